import type {
  PruneReport,
  PruneRequest,
  RestoreRequest,
  RestoreResult,
  SnapshotSummary,
  VerifyRequest,
  VerifyResult,
  WorkOptions,
} from '../backup/backup-api.ts';
import type { ProbeReport } from '../blob/probe/probe-finding.ts';
import type { VersionVector, VersionVectorOrder } from '../memory/version.ts';
import type { VectorReport } from '../store/replica-store.ts';

/** Why the remote could not be used, with what to do about it. Never contains a secret. */
export interface SyncProblem {
  /** An `ErrorCode`, or the `reason` of a `BlobStoreError`, for example `no-bucket`, `access-denied`, `WRONG_PASSPHRASE`. */
  readonly code: string;
  readonly message: string;
  readonly fix?: string;
  /** When it was observed, milliseconds since the epoch. */
  readonly at: number;
}

/** Something that was observed, and when. */
export interface Observed<T> {
  readonly value: T;
  readonly at: number;
}

export interface MachineStatus {
  readonly machine: string;
  readonly own: boolean;
  readonly snapshots: number;
  /** Null when it has none, or its head cannot be read: see `problem`. */
  readonly newest: SnapshotSummary | null;
  /** Its newest state compared with the memories here: `before` or `equal` = all of it is included here. */
  readonly order: VersionVectorOrder | null;
  readonly clock: VersionVector;
  /** The head shows less than was seen before. */
  readonly rolledBack: boolean;
  readonly problem: SyncProblem | null;
}

/**
 * in-sync: all that is here is there, and all that is there is here. ahead: something here was not pushed yet.
 * behind: other machines published something that is not here. diverged: both. unknown: never reached yet.
 */
export type SyncRelation = 'in-sync' | 'ahead' | 'behind' | 'diverged' | 'unknown';

/**
 * pending: the store was empty when sync was turned on, and the remote was not reached since. done: what was there
 * was merged, or nothing was there. not-needed: the store had memories.
 */
export type EmptyStart = 'not-needed' | 'pending' | 'done';

export interface SyncStatus {
  readonly enabled: boolean;
  /** For people, without credentials; null when sync is off. */
  readonly location: string | null;
  readonly mode: 'backup' | 'merge';
  readonly encrypted: boolean;
  readonly machine: string;
  /** Fingerprint of the memories and versions here; equal on two machines = they have converged. Edges show it. */
  readonly stateDigest: string;
  readonly relation: SyncRelation;
  /** Null = never tried. True or false as observed last; `status` asks the remote itself unless told otherwise. */
  readonly reachable: Observed<boolean> | null;
  /** Newest own snapshot that was confirmed by the remote. */
  readonly lastPush: Observed<{ readonly snapshot: string }> | null;
  readonly lastPull: Observed<{ readonly snapshots: number }> | null;
  /** Writes of this machine that the remote does not have. Null when unknown. */
  readonly unsentWrites: number | null;
  readonly machines: readonly MachineStatus[];
  readonly conflicts: number;
  readonly emptyStart: EmptyStart;
  /** A merge that waits for a confirmation because it would remove many memories; null = none. */
  readonly heldMerge: { readonly removed: number; readonly at: number } | null;
  /** The newest problem since the last success. */
  readonly problem: SyncProblem | null;
  readonly warnings: readonly string[];
}

export interface PushResult {
  readonly outcome: 'pushed' | 'unchanged';
  /** The newest own snapshot there, confirmed by the remote. */
  readonly snapshot: SnapshotSummary;
  readonly snapshotsPushed: number;
  readonly bytes: number;
  readonly objects: number;
  /** Snapshots that are damaged here and could not be sent. */
  readonly skipped: readonly string[];
}

/** See `SyncApi.repairCounters`. */
export interface CounterReport extends VectorReport {
  /** Machines that claim writes of this machine which it never made, and how many. */
  readonly claimedByOthers: readonly { readonly machine: string; readonly claimed: number }[];
}

/** The remote side. Every method but `status` throws `SyncOffError` when no remote is configured. */
export interface SyncApi {
  /** @param options.offline answer from what was observed last, without asking the remote */
  status(options?: { readonly offline?: boolean } & WorkOptions): Promise<SyncStatus>;
  /** Backs up what changed, then copies to the remote what it lacks. Resolves when the remote has confirmed it. */
  push(options?: WorkOptions): Promise<PushResult>;
  /** Merges the newest snapshot of every machine that is not included here yet; `restore` with mode `merge` and no snapshot. */
  pull(options?: WorkOptions & { readonly confirm?: string }): Promise<RestoreResult>;
  /** All machines' complete snapshots, oldest first. */
  snapshots(): Promise<readonly SnapshotSummary[]>;
  restore(request: RestoreRequest, options?: WorkOptions): Promise<RestoreResult>;
  verify(request?: VerifyRequest, options?: WorkOptions): Promise<VerifyResult>;
  prune(request?: PruneRequest): Promise<PruneReport>;
  machines(): Promise<readonly MachineStatus[]>;
  /**
   * Removes a gone machine's folder.
   * @param options.unmerged also when its changes are not included here: they are lost then
   * @returns number of objects deleted
   * @throws InvalidInputError when its changes are not included here
   */
  forgetMachine(machine: string, options?: { readonly unmerged?: boolean }): Promise<number>;
  /** Finds the usual mistakes of the settings by trying. Works with sync off as long as a bucket is set. */
  doctor(options?: WorkOptions): Promise<ProbeReport>;
  createBucket(): Promise<'created' | 'existed'>;
  /**
   * Looks for counters in the version vector of this store that no machine can have reached, and for claims of others
   * about this machine. Works with sync off. @param options.fix repair them
   */
  repairCounters(options?: { readonly fix?: boolean }): Promise<CounterReport>;
}
