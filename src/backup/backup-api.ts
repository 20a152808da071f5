import type { ChangeReport } from '../store/replica-store.ts';
import type { VersionVectorOrder } from '../memory/version.ts';
import type { SecretString } from '../util/secret-string.ts';
import type { RetentionPolicy } from './repository/retention.ts';
import type { SnapshotKind } from './format/names.ts';

/** One step of long work, for people. `total` is absent while it is not known. */
export interface Progress {
  /** For example `reading memories`, `uploading`. */
  readonly step: string;
  readonly done: number;
  readonly total?: number;
}

export interface WorkOptions {
  /** Ends the work early, between two objects; what is complete by then stays. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** A snapshot as users see it. */
export interface SnapshotSummary {
  /** `<kind>_<YYYYMMDD>_<HHMMSS>`, UTC. */
  readonly name: string;
  readonly id: string;
  readonly machine: string;
  /** Made by this machine, under its present id. */
  readonly own: boolean;
  readonly kind: SnapshotKind;
  readonly createdAt: number;
  readonly live: number;
  readonly trash: number;
  /** Stored bytes, those shared with other snapshots included. */
  readonly bytes: number;
  readonly pinned: boolean;
  readonly encrypted: boolean;
  /** The snapshot compared with the memories now: `before` = everything in it is included here. */
  readonly order: VersionVectorOrder;
}

export interface BackupRequest {
  /** Default `manual`. A name of the user's own, such as `before_upgrade`, is a kind too. */
  readonly kind?: SnapshotKind | undefined;
  readonly pinned?: boolean | undefined;
  /** Make one even when the newest holds the same state. Default: only for kinds that a user asks for. */
  readonly evenIfUnchanged?: boolean | undefined;
}

export interface BackupResult {
  /** unchanged: the newest snapshot holds this state already. */
  readonly outcome: 'written' | 'unchanged';
  readonly snapshot: SnapshotSummary;
  readonly bytesWritten: number;
}

export interface RestoreRequest {
  /** Name, `machine/name` or id. Required for `replace`; absent for `merge` = everything not included yet. */
  readonly snapshot?: string | undefined;
  readonly mode: 'replace' | 'merge';
  /** Only report what would change, and give the token that confirms it. */
  readonly dryRun?: boolean | undefined;
  /** Token of a dry run of the same snapshot, mode and local state. Needed to replace, and to exceed the removal limit of a merge. */
  readonly confirm?: string | undefined;
}

export interface RestoreResult {
  readonly mode: 'replace' | 'merge';
  /** The snapshots that were, or would be, applied; empty = a merge had nothing to do. */
  readonly snapshots: readonly SnapshotSummary[];
  /** Null when there was nothing to apply. Several merged snapshots are counted together. */
  readonly changes: ChangeReport | null;
  /** In the answer of a dry run, and when a merge is held back by the removal limit. */
  readonly confirm?: string;
  /** What the user should know although it worked, as sentences. */
  readonly warnings?: readonly string[];
  /** The snapshot that undoes it: restore it with mode `replace`. Absent when nothing was changed. */
  readonly undo?: SnapshotSummary;
}

export type VerifyLevel = 'sizes' | 'hashes' | 'content' | 'drill';

export interface VerifyRequest {
  /** Each level includes those before it. Default `hashes`. drill: restore into a scratch store and compare digests. */
  readonly level?: VerifyLevel | undefined;
  /** One snapshot; absent = for sizes and hashes all of this machine's, for content and drill the newest one. */
  readonly snapshot?: string | undefined;
  /** Repair what is damaged from the memories themselves. Default true. */
  readonly heal?: boolean | undefined;
}

export interface VerifyResult {
  readonly level: VerifyLevel;
  /** Objects that were checked and are fine. */
  readonly checked: number;
  readonly problems: readonly { readonly key: string; readonly problem: string }[];
  /** True when the problems were found and repaired in this run. */
  readonly healed: boolean;
}

export interface PruneReport {
  readonly dropped: readonly SnapshotSummary[];
  readonly deletedObjects: number;
  readonly deletedBytes: number;
  /** Unreferenced, but younger than 24 hours by the store's clock. */
  readonly leftObjects: number;
  /** The store refuses deletes. */
  readonly appendOnly: boolean;
}

export interface PruneRequest {
  /** Default: the configured policy. */
  readonly policy?: RetentionPolicy | undefined;
}

/** Local backups. Every error leaves memories and backups as they were. */
export interface BackupApi {
  /** @throws BackupBusyError after waiting for another process */
  backup(request?: BackupRequest, options?: WorkOptions): Promise<BackupResult>;
  /** Oldest first. */
  list(): Promise<readonly SnapshotSummary[]>;
  /**
   * Before anything is changed a `pre_restore` snapshot is made; the rows are checked whole; all changes are one
   * transaction.
   * @throws SnapshotNotFoundError, SnapshotAmbiguousError, StateChangedError, InvalidInputError when `confirm` is needed
   */
  restore(request: RestoreRequest, options?: WorkOptions): Promise<RestoreResult>;
  setPinned(snapshot: string, pinned: boolean): Promise<SnapshotSummary>;
  verify(request?: VerifyRequest, options?: WorkOptions): Promise<VerifyResult>;
  prune(request?: PruneRequest): Promise<PruneReport>;
  /**
   * Wraps the keys of this machine's backups with another passphrase; the objects stay as they are. The remote
   * follows with the next push, which needs the new passphrase in the settings.
   * @throws MissingKeyError when the backups are plain, WrongPassphraseError
   */
  changePassphrase(next: SecretString): Promise<void>;
}
