import type {
  BackupResult,
  PruneReport,
  PruneRequest,
  RestoreRequest,
  RestoreResult,
  SnapshotSummary,
  VerifyRequest,
  VerifyResult,
  WorkOptions,
} from '../backup/backup-api.ts';
import type { BlobTraffic } from '../blob/blob-store.ts';
import type { ProbeReport } from '../blob/probe/probe-finding.ts';
import type { VersionVector, VersionVectorOrder } from '../memory/version.ts';
import type { VectorReport } from '../store/replica-store.ts';

/** The traffic of a data folder with the remote in one month. */
export interface MonthlyTraffic extends BlobTraffic {
  /** UTC, as `2026-01`. */
  readonly month: string;
}

/** Why the remote could not be used, and the fix. Never contains a secret. */
export interface SyncProblem {
  /** An `ErrorCode`, or the `reason` of a `BlobStoreError`, for example `no-bucket`, `access-denied`, `WRONG_PASSPHRASE`. */
  readonly code: string;
  readonly message: string;
  readonly fix?: string;
  /** When it was observed, milliseconds since the epoch. */
  readonly at: number;
}

/** An observed value. */
export interface Observed<T> {
  readonly value: T;
  /** When it was observed, milliseconds since the epoch. */
  readonly at: number;
}

export interface MachineStatus {
  readonly machine: string;
  readonly own: boolean;
  readonly snapshots: number;
  /** Null when the machine has no snapshot, or when `problem` keeps its head from being read. */
  readonly newest: SnapshotSummary | null;
  /** Newest snapshot compared with the local memories: `before` or `equal` = all its writes are included here. */
  readonly order: VersionVectorOrder | null;
  readonly clock: VersionVector;
  /** True when the head lists fewer backups than it did before. */
  readonly rolledBack: boolean;
  /** True when it includes the same writes as this store and other content: two data folders wrote under one id. */
  readonly differs?: boolean;
  /** When its head was at the remote last, milliseconds since the epoch, if the head is gone; null = it is there. */
  readonly lastSeen: number | null;
  readonly problem: SyncProblem | null;
}

/** A merge that waits for a confirmation because it, with the merges of a day, would remove many memories. */
export interface HeldMerge {
  readonly removed: number;
  /** Memories that merges removed without a confirmation in the 24 hours before. */
  readonly lately: number;
  readonly at: number;
}

/**
 * in-sync: this store and the remote include the same writes. ahead: the remote lacks local writes. behind: this store
 * lacks writes at the remote. diverged: both, or the same writes have other content there. unknown: the remote was never read, or cannot be read now.
 */
export type SyncRelation = 'in-sync' | 'ahead' | 'behind' | 'diverged' | 'unknown';

/**
 * pending: the store was empty when sync was turned on, and not all memories at the remote were merged yet.
 * done: all of them were merged, or there were none. not-needed: the store had memories.
 */
export type EmptyStart = 'not-needed' | 'pending' | 'done';

export interface SyncStatus {
  readonly enabled: boolean;
  /** Address to show to people, without credentials; null when sync is off. */
  readonly location: string | null;
  readonly mode: 'backup' | 'merge';
  readonly encrypted: boolean;
  readonly machine: string;
  /** Fingerprint of the local memories and versions; two machines with equal digests have the same. */
  readonly stateDigest: string;
  readonly relation: SyncRelation;
  /** The last observation; null = never tried. `status` asks the remote unless `offline` is true. */
  readonly reachable: Observed<boolean> | null;
  /** Newest own snapshot that the remote has confirmed. */
  readonly lastPush: Observed<{ readonly snapshot: string }> | null;
  readonly lastPull: Observed<{ readonly snapshots: number }> | null;
  /** Number of writes of this machine that the remote lacks; null = unknown. */
  readonly unsentWrites: number | null;
  readonly machines: readonly MachineStatus[];
  readonly conflicts: number;
  /** Requests and bytes of this data folder since the first day of the month, about; null = sync is off. */
  readonly traffic: MonthlyTraffic | null;
  readonly emptyStart: EmptyStart;
  /** Null = no merge waits. */
  readonly heldMerge: HeldMerge | null;
  /** The newest problem since the last success. */
  readonly problem: SyncProblem | null;
  readonly warnings: readonly string[];
}

export interface PushResult {
  readonly outcome: 'pushed' | 'unchanged';
  /** The newest own snapshot, which the remote has confirmed. */
  readonly snapshot: SnapshotSummary;
  readonly snapshotsPushed: number;
  readonly bytes: number;
  readonly objects: number;
  /** Ids of snapshots that are damaged locally and were not sent. */
  readonly skipped: readonly string[];
}

/** Result of `SyncApi.repairCounters`. */
export interface CounterReport extends VectorReport {
  /** Machines whose snapshots include writes of this machine that it never made, and the claimed number of writes. */
  readonly claimedByOthers: readonly { readonly machine: string; readonly claimed: number }[];
}

/** Sync with the remote. All methods except `status` and `repairCounters` reject with `SyncOffError` without a remote. */
export interface SyncApi {
  /** @param options.offline true answers from the last observations, without asking the remote */
  status(options?: { readonly offline?: boolean } & WorkOptions): Promise<SyncStatus>;
  /**
   * Makes a backup if memories changed, and uploads missing snapshots. Resolves when the remote has confirmed them.
   * @param options.made a backup that the caller has just made: no other one is made for this push
   */
  push(options?: WorkOptions & { readonly made?: BackupResult | undefined }): Promise<PushResult>;
  /** Merges the newest snapshot of every machine; the same as `restore` with mode `merge` and without a snapshot. */
  pull(options?: WorkOptions & { readonly confirm?: string }): Promise<RestoreResult>;
  /** Complete snapshots of all machines, oldest first. */
  snapshots(options?: WorkOptions): Promise<readonly SnapshotSummary[]>;
  restore(request: RestoreRequest, options?: WorkOptions): Promise<RestoreResult>;
  verify(request?: VerifyRequest, options?: WorkOptions): Promise<VerifyResult>;
  prune(request?: PruneRequest): Promise<PruneReport>;
  machines(options?: WorkOptions): Promise<readonly MachineStatus[]>;
  /**
   * Removes the folder of a machine that is no longer used.
   * @param options.unmerged true removes it even when the local store lacks changes of it, which are then lost
   * @returns number of deleted objects
   * @throws InvalidInputError when the local store lacks changes of it
   */
  forgetMachine(machine: string, options?: { readonly unmerged?: boolean }): Promise<number>;
  /** Tries the settings and reports mistakes. Works with sync off when a bucket is configured. */
  doctor(options?: WorkOptions): Promise<ProbeReport>;
  /** Works with sync off when a bucket is configured. */
  createBucket(): Promise<'created' | 'existed'>;
  /**
   * Finds implausible entries in the version vector of this store, and snapshots of other machines that include writes
   * which this machine never made. Works with sync off. @param options.fix true repairs them
   */
  repairCounters(options?: { readonly fix?: boolean }): Promise<CounterReport>;
}
