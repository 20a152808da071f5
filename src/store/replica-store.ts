import type { HeadJournal, MemoryState, SnapshotSource } from '../backup/ports.ts';
import type { StoreDigests } from '../memory/memory.ts';
import type { VersionVector, JsonValue } from '../memory/version.ts';

/** Who this store is and what it includes, at one moment. */
export interface ReplicaIdentity extends StoreDigests {
  /** 16 hex digits. Changes only by `takeNewIdentity`. */
  readonly machine: string;
  readonly sequence: number;
  /** All ids ever seen. */
  readonly memories: number;
  readonly live: number;
  readonly trash: number;
  readonly conflicts: number;
}

/** One memory that a merge or a restore changes, for people. */
export interface ChangeExample {
  readonly id: string;
  /** Beginning of the text, at most 200 characters: the new one; of removed memories the old one. */
  readonly text: string;
}

/** A kind of change to the memories that users see. */
export interface ChangeList {
  readonly count: number;
  /** At most five. */
  readonly examples: readonly ChangeExample[];
}

/** What a merge or a restore did, or would do. */
export interface ChangeReport {
  /** False: nothing was changed, because it was a dry run or the limit held it back. */
  readonly applied: boolean;
  /** True when `limit` held it back. */
  readonly held: boolean;
  /** Live after and not before. */
  readonly added: ChangeList;
  /** Live before and after, with other visible content. */
  readonly changed: ChangeList;
  /** Live before and not after. */
  readonly removed: ChangeList;
  /** Memories with conflict copies that had none before. */
  readonly conflicts: number;
  /** Writes under a dot that another write has too: an identity was used twice. Each was kept under a new dot. */
  readonly reusedDots: number;
  /**
   * Ids that one side lacks although its clock covers them: damage or a bug. They were kept. Those that the other
   * side lacks are counted only when `complete` was true.
   */
  readonly missingIds: number;
  /** Restore only: memories whose content was erased on demand after the snapshot; they stay erased. */
  readonly keptErased: number;
  readonly before: StoreDigests;
  /** The state after the changes, also when they were not applied. */
  readonly after: StoreDigests;
}

/** Holds back changes that remove both more than `count` memories and more than `share` (0 to 1) of the live ones. */
export interface RemovalLimit {
  readonly count: number;
  readonly share: number;
}

export interface ApplyRequest {
  /** Clock of the snapshot that the states belong to. */
  readonly clock: VersionVector;
  /** The states are the whole snapshot, not only its newer part. */
  readonly complete: boolean;
  /** Compute the report, change nothing. */
  readonly dryRun?: boolean;
  readonly limit?: RemovalLimit;
  /** The local `stateDigest` that the caller has confirmed; when it is another by now, nothing happens. */
  readonly expectedState?: string;
  /** Remembered in the same transaction, when the changes are applied. */
  readonly note?: { readonly name: string; readonly value: JsonValue };
}

/** A counter of the version vector that is higher than anything its machine can have written. */
export interface ImplausibleCounter {
  readonly machine: string;
  /** It is that of this machine. */
  readonly own: boolean;
  readonly claimed: number;
  readonly believed: number;
}

export interface VectorRepair {
  /** How many writes other machines say to have made. */
  readonly published: VersionVector;
  /** False: only look. */
  readonly fix: boolean;
  /** Take a new machine id in any case, because others know writes of this one that it never made. */
  readonly newIdentity: boolean;
}

export interface VectorReport {
  /** What was wrong; empty = nothing. */
  readonly counters: readonly ImplausibleCounter[];
  /** The machine that the store is afterwards. */
  readonly machine: string;
  /** Copy of the database as it was before; null when nothing was changed. */
  readonly copy: string | null;
}

/** States of one remote snapshot, collected beside the truth. Several applications, for example a dry run first, are allowed. */
export interface StagedStates {
  readonly memories: number;
  /**
   * Merges the states, in one transaction, by `mergeMemory`; then the clocks are joined. Vectors come along.
   * @throws StateChangedError when `expectedState` is not the local state any more
   */
  merge(request: ApplyRequest): Promise<ChangeReport>;
  /**
   * Makes what users see equal to the snapshot, in one transaction: merges it, then writes new versions wherever
   * the merged state shows something else; live memories that the snapshot does not have, or has not live, go to
   * the trash. Restored versions keep their times, so the `contentDigest` becomes the snapshot's when nothing
   * stays erased. Needs a complete snapshot. Machines that merge later agree with the outcome.
   * @throws StateChangedError as `merge`
   */
  restore(request: ApplyRequest): Promise<ChangeReport>;
  /** Forgets what was collected. Idempotent. */
  close(): Promise<void>;
}

/**
 * What backup and sync need of the local store, beside `MemoryStore`: the same database, the same errors, any
 * number of processes. The journal and the notes are as durable as the memories and are copied with them.
 */
export interface ReplicaStore extends SnapshotSource, HeadJournal {
  identity(): Promise<ReplicaIdentity>;
  /** Collects states on disk; the memory it takes does not grow with their number. One at a time per data folder. */
  stage(states: AsyncIterable<MemoryState>): Promise<StagedStates>;
  /**
   * Takes a new random machine id and writes every version of the old one with `n > lastSharedWrite` again under
   * it, in order; the old machine's clock goes back to `lastSharedWrite`. For a data folder that was copied or
   * rolled back. Nothing that users see changes.
   * @returns the new machine id; the present one, unchanged, when it is not `machine` any more (another process did it)
   */
  takeNewIdentity(machine: string, lastSharedWrite: number): Promise<string>;
  /**
   * Looks for counters of the version vector that nobody can have reached. With `fix` the database is copied first;
   * then the counters go back to what is believed, in one transaction, and versions above that are written again
   * under this store's name, a new one when its own counter was wrong. Nothing that users see changes.
   */
  repairVector(request: VectorRepair): Promise<VectorReport>;
  /** Small facts, for example when a remote was reached last. Null when there is none of that name. */
  readNote(name: string): Promise<JsonValue | null>;
  /** Durable when it resolves. Null removes the note. */
  writeNote(name: string, value: JsonValue | null): Promise<void>;
}
