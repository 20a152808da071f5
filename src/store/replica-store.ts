import type { HeadJournal, MemoryState, SnapshotSource } from '../backup/ports.ts';
import type { StoreDigests } from '../memory/memory.ts';
import type { VersionVector, JsonValue } from '../memory/version.ts';

/** The machine id of this store and the writes that it includes, at one moment. */
export interface ReplicaIdentity extends StoreDigests {
  /** 16 hex digits. Only `takeNewIdentity` and `repairVector` change it. */
  readonly machine: string;
  /** Number of the last local change. */
  readonly sequence: number;
  /** Number of all ids ever seen, deleted and erased ones included. */
  readonly memories: number;
  readonly live: number;
  readonly trash: number;
  readonly conflicts: number;
}

/** One memory that a merge or a restore changes, to show to people. */
export interface ChangeExample {
  readonly id: string;
  /** Beginning of the new text, at most 200 characters; for removed memories, of the old text. */
  readonly text: string;
}

/** The visible changes of one kind. */
export interface ChangeList {
  readonly count: number;
  /** At most five. */
  readonly examples: readonly ChangeExample[];
  /**
   * All ids, when the changes were not applied and are not more than `MAX_REPORTED_IDS`: several snapshots may bring
   * the same change.
   */
  readonly ids?: readonly string[];
}

export const MAX_REPORTED_IDS = 100_000;

/** The changes that a merge or a restore made, or would make in a real run. */
export interface ChangeReport {
  /** False when nothing was changed: in a dry run, or when `limit` held the changes back. */
  readonly applied: boolean;
  /** True when `limit` held the changes back. */
  readonly held: boolean;
  /** Number of memories that merges removed in the 24 hours before without a confirmation; 0 without a `limit`. */
  readonly removedLately: number;
  /** Memories that are live after the changes and were not before. */
  readonly added: ChangeList;
  /** Memories that are live before and after, with other visible content. */
  readonly changed: ChangeList;
  /** Memories that were live before the changes and are not any more. */
  readonly removed: ChangeList;
  /** Number of memories that got an open conflict. */
  readonly conflicts: number;
  /** Number of writes whose dot another write had too, because two machines shared an id. Each got a new dot. */
  readonly reusedDots: number;
  /**
   * Number of ids that one side lacks although its version vector covers them, which only damage or a bug can cause.
   * The memories were kept. Ids that the other side lacks are counted only when `complete` was true.
   */
  readonly missingIds: number;
  /** Restore only: number of memories that were erased for good after the snapshot and stay erased. */
  readonly keptErased: number;
  /** Restore only: number of memories that other machines had erased for good and that are live again. */
  readonly broughtBack: number;
  readonly before: StoreDigests;
  /** The state with the changes, even when they were not applied. */
  readonly after: StoreDigests;
}

/**
 * The budget of a day. Changes are held back when they, and the merges of the 24 hours before, remove more than
 * `count` memories and also more than `share` (0 to 1) of the live ones.
 */
export interface RemovalLimit {
  readonly count: number;
  readonly share: number;
}

export interface ApplyRequest {
  /** Version vector of the snapshot that the states belong to. */
  readonly clock: VersionVector;
  /** True when the states are the whole snapshot, not only its newer part. */
  readonly complete: boolean;
  /** Computes the report and changes nothing. */
  readonly dryRun?: boolean;
  readonly limit?: RemovalLimit;
  /** Applies changes over the limit, because the user agreed; the budget of the day then begins anew. */
  readonly confirmed?: boolean;
  /** Keeps the content of memories that another machine erased, hidden, until `MemoryStore.expireHidden`. */
  readonly hidePurged?: boolean;
  /** Restore only: brings back memories that other machines erased. Memories that this machine erased stay erased. */
  readonly bringBack?: boolean;
  /** The local `stateDigest` that the user confirmed; when it has changed since, the call fails and changes nothing. */
  readonly expectedState?: string;
  /** Written in the same transaction when the changes are applied. */
  readonly note?: { readonly name: string; readonly value: JsonValue };
}

/** An entry of the version vector that is higher than the number of writes its machine can have made. */
export interface ImplausibleCounter {
  readonly machine: string;
  /** True for the entry of this machine. */
  readonly own: boolean;
  /** The value in the version vector. */
  readonly claimed: number;
  /**
   * The value that a repair sets: the highest plausible write that this store still has. Its later writes may be missing
   * here, so they must come in again.
   */
  readonly believed: number;
}

export interface VectorRepair {
  /** Numbers of writes that the other machines have published themselves. */
  readonly published: VersionVector;
  /** False only reports. */
  readonly fix: boolean;
  /** Takes a new machine id in any case, because other machines know writes of this one that it never made. */
  readonly newIdentity: boolean;
}

export interface VectorReport {
  /** The implausible entries; empty = none. */
  readonly counters: readonly ImplausibleCounter[];
  /** The store's machine id after the call. */
  readonly machine: string;
  /** Path of the copy that was made of the database before the repair; null when nothing was changed. */
  readonly copy: string | null;
}

/** Collected states of one snapshot. They can be applied several times, for example first in a dry run. */
export interface StagedStates {
  readonly memories: number;
  /**
   * Merges the states by `mergeMemory`, attaches their embeddings and joins the version vectors. Many states are merged in
   * several transactions, so that searches and writes go on: the last one joins the version vectors, and a merge that is
   * cut off is finished before the next one. Changes over the `limit` are found before the first of them.
   * @throws StateChangedError when `expectedState` is not the local state any more
   */
  merge(request: ApplyRequest): Promise<ChangeReport>;
  /**
   * Makes the visible memories equal to the snapshot, in one transaction: merges the states; writes a new version of
   * each memory that then differs from the snapshot; moves live memories that are not live in the snapshot to the
   * trash. Restored versions keep their times, so the `contentDigest` becomes that of the snapshot unless memories
   * stay erased. Machines that merge later get the same result.
   * @throws StateChangedError when `expectedState` is not the local state any more
   * @throws RangeError when the request is not `complete`
   */
  restore(request: ApplyRequest): Promise<ChangeReport>;
  /** Removes the collected states. Idempotent. */
  close(): Promise<void>;
}

/**
 * The part of the local store that backup and sync use: the same database, errors and rules as `MemoryStore`. The
 * journal and the notes are as durable as the memories, and a copy of the data folder contains them.
 */
export interface ReplicaStore extends SnapshotSource, HeadJournal {
  identity(): Promise<ReplicaIdentity>;
  /** Collects states in a file, so that large snapshots need little memory. Only one call at a time per data folder. */
  stage(states: AsyncIterable<MemoryState>): Promise<StagedStates>;
  /**
   * Finishes a merge that a killed process began. Views, stages and new identities do so by themselves. Only the holder
   * of the work lock may call it.
   */
  finishMerge(): Promise<void>;
  /**
   * Takes or prolongs a lease among all stores that share a database; a store that shares none always gets it.
   * @param milliseconds after which it ends by itself; 0 gives it back
   * @returns false when another holder has it
   */
  lease(name: string, holder: string, milliseconds: number): Promise<boolean>;
  /**
   * Takes a new random machine id for a data folder that was copied or rolled back. Gives every version of the old id
   * with `n > lastSharedWrite` a new dot under the new id, in order, and sets the old id's entry of the version vector
   * back to `lastSharedWrite`. Content and times stay.
   * @param machine the present machine id
   * @returns the new id; when another process has already changed it, the present id
   */
  takeNewIdentity(machine: string, lastSharedWrite: number): Promise<string>;
  /**
   * Finds implausible entries of the version vector. With `fix` it copies the database and then, in one transaction,
   * lowers the entries to the plausible values and gives the versions above them new dots of this store, which takes
   * a new machine id when its own entry was wrong. Content and times stay.
   */
  repairVector(request: VectorRepair): Promise<VectorReport>;
}
