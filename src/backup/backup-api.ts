import type { ChangeReport } from '../store/replica-store.ts';
import type { VersionVectorOrder } from '../memory/version.ts';
import type { SecretString } from '../util/secret-string.ts';
import type { RetentionPolicy } from './repository/retention.ts';
import type { SnapshotKind } from './format/names.ts';

/** How far long work has come, to be shown to people. */
export interface Progress {
  /** For example `reading memories`, `uploading`. */
  readonly step: string;
  /** Units of this step that are finished; the step defines the unit. */
  readonly done: number;
  /** Units of this step in all. Absent while the number is not known. */
  readonly total?: number;
}

export interface WorkOptions {
  /** Ends the work before the next object. Objects that are complete stay. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** A snapshot as users see it. */
export interface SnapshotSummary {
  /** `<kind>_<YYYYMMDD>_<HHMMSS>`, UTC. */
  readonly name: string;
  readonly id: string;
  readonly machine: string;
  /** True when this machine made the snapshot under its present id. */
  readonly own: boolean;
  readonly kind: SnapshotKind;
  /** Milliseconds since the epoch, by the clock of the machine that made it. */
  readonly createdAt: number;
  /** Number of memories outside the trash. */
  readonly live: number;
  /** Number of memories in the trash. */
  readonly trash: number;
  /** Stored bytes, including those that other snapshots share. */
  readonly bytes: number;
  readonly pinned: boolean;
  readonly encrypted: boolean;
  /** The snapshot's version vector compared with that of the store now. `before`: the store includes the whole snapshot. */
  readonly order: VersionVectorOrder;
}

export interface BackupRequest {
  /** Any name of the user's own, such as `before_upgrade`, is a kind. @default 'manual' */
  readonly kind?: SnapshotKind | undefined;
  readonly pinned?: boolean | undefined;
  /** Write a snapshot even when the newest one holds the same state. Default: false for automatic kinds such as `auto`, else true. */
  readonly evenIfUnchanged?: boolean | undefined;
}

export interface BackupResult {
  /** `unchanged`: nothing was written, because the newest snapshot holds this state already. */
  readonly outcome: 'written' | 'unchanged';
  readonly snapshot: SnapshotSummary;
  readonly bytesWritten: number;
}

export interface RestoreRequest {
  /** Name, `machine/name` or id. Required for `replace`. A `merge` without it takes everything the store does not include. */
  readonly snapshot?: string | undefined;
  readonly mode: 'replace' | 'merge';
  /** Report the changes without making them, and return the token that confirms them. */
  readonly dryRun?: boolean | undefined;
  /**
   * Token from a dry run with the same snapshot, mode and local state. A `replace` needs it; so does a merge that
   * exceeds the removal limit.
   */
  readonly confirm?: string | undefined;
}

export interface RestoreResult {
  readonly mode: 'replace' | 'merge';
  /** The snapshots that were applied, or would be by a dry run. Empty when a merge had nothing to do. */
  readonly snapshots: readonly SnapshotSummary[];
  /** The changes of all applied snapshots together. Null when there was nothing to apply. */
  readonly changes: ChangeReport | null;
  /**
   * Present when the removal limit held a merge back: the number of memories that it would remove, and of those that
   * merges removed without a confirmation in the 24 hours before.
   */
  readonly waiting?: { readonly removed: number; readonly lately: number };
  /** Token for `RestoreRequest.confirm`. Present after a dry run, and when the removal limit held a merge back. */
  readonly confirm?: string;
  /** Sentences for the user about a restore that worked. */
  readonly warnings?: readonly string[];
  /** The snapshot that undoes the restore: restore it with mode `replace`. Absent when nothing was changed. */
  readonly undo?: SnapshotSummary;
}

export type VerifyLevel = 'sizes' | 'hashes' | 'content' | 'drill';

export interface VerifyRequest {
  /**
   * Each level includes those before it. `drill` restores into a temporary store and compares its digests.
   * @default 'hashes'
   */
  readonly level?: VerifyLevel | undefined;
  /**
   * Name, `machine/name` or id of one snapshot. Default: all of this machine's snapshots for `sizes` and `hashes`, its
   * newest one for `content` and `drill`.
   */
  readonly snapshot?: string | undefined;
  /** Write damaged objects again from the memories in the store. @default true */
  readonly heal?: boolean | undefined;
}

export interface VerifyResult {
  readonly level: VerifyLevel;
  /** Number of objects that were checked and found sound. */
  readonly checked: number;
  readonly problems: readonly { readonly key: string; readonly problem: string }[];
  /** True when this run found the problems and repaired them all. */
  readonly healed: boolean;
}

export interface PruneReport {
  readonly dropped: readonly SnapshotSummary[];
  readonly deletedObjects: number;
  readonly deletedBytes: number;
  /** Number of unreferenced objects that stay: younger than 24 hours by the store's clock, or not deletable. */
  readonly leftObjects: number;
  /** True when the store refused to delete an object. */
  readonly appendOnly: boolean;
}

export interface PruneRequest {
  /** Default: the policy of the settings. */
  readonly policy?: RetentionPolicy | undefined;
}

/** Local backups. Every error leaves memories and backups as they were. */
export interface BackupApi {
  /** @throws BackupBusyError when another process still works on the backups after a minute */
  backup(request?: BackupRequest, options?: WorkOptions): Promise<BackupResult>;
  /** All snapshots of the local repository, oldest first. */
  list(): Promise<readonly SnapshotSummary[]>;
  /**
   * Makes a `pre_restore` or `pre_merge` snapshot and checks all rows of a snapshot before it changes anything. The
   * changes of one snapshot are one transaction.
   * @throws SnapshotNotFoundError, SnapshotAmbiguousError, StateChangedError, InvalidInputError when `confirm` is needed
   */
  restore(request: RestoreRequest, options?: WorkOptions): Promise<RestoreResult>;
  /**
   * Pinned snapshots survive every retention policy. Only this machine's own snapshots can be pinned.
   * @param snapshot name, `machine/name` or id
   * @throws SnapshotNotFoundError, SnapshotAmbiguousError, InvalidInputError for another machine's snapshot
   */
  setPinned(snapshot: string, pinned: boolean): Promise<SnapshotSummary>;
  /** Damage is part of the result, not an error. */
  verify(request?: VerifyRequest, options?: WorkOptions): Promise<VerifyResult>;
  /** Drops snapshots that no rule of the policy keeps, and deletes the objects that only they needed. */
  prune(request?: PruneRequest): Promise<PruneReport>;
  /**
   * Wraps the keys of this machine's backups with another passphrase. The objects stay as they are. The next push
   * changes the remote too; it needs the new passphrase in the settings.
   * @throws MissingKeyError when the backups are plain; WrongPassphraseError
   */
  changePassphrase(next: SecretString): Promise<void>;
}
