import type { CarriedVersion, MemoryState } from '../../backup/ports.ts';
import { RepositoryDamagedError } from '../../errors/backup-errors.ts';
import { contentHash, toHex } from '../../memory/digest.ts';
import {
  type VersionVector,
  covers,
  currentVersion,
  type MemoryContent,
  mergeMemory,
  sameDot,
  type Version,
  contentOf,
} from '../../memory/version.ts';
import { type Connection, Query } from './connection.ts';
import { derive, settle } from './derived-state.ts';
import { attachVectors } from './embeddings.ts';
import { hide, isErasedHere } from './hidden.ts';
import { loadMemory, type StoredMemory, type StoredVersion, storeVersion, expireVersion } from './rows.ts';
import { deleteHistory, nextNum, trimHistory, type VersionWriter } from './version-writer.ts';

const makeHistory = new Query<[replacedAt: number, key: number]>(
  'UPDATE version SET sibling = 0, replaced_at = ? WHERE key = ?',
);
const findByDot = new Query<[machine: string, n: number], { key: number; sibling: number; num: number }>(
  'SELECT key, sibling, num FROM version WHERE machine = ? AND n = ?',
);
const deleteVersion = new Query<[key: number]>('DELETE FROM version WHERE key = ?');
const deleteChunks = new Query<[version: number]>('DELETE FROM chunk WHERE version = ?');
const bumpSequence = new Query<[sequence: number, num: number]>(
  'UPDATE memory SET sequence = ? WHERE num = ?',
);

/** Far more siblings than honest machines produce, and far fewer than a backup may hold. */
const MAX_MERGED_SIBLINGS = 128;

/** @throws RepositoryDamagedError when a memory would have more than `MAX_MERGED_SIBLINGS` siblings */
function assertFewSiblings(id: string, count: number): void {
  if (count <= MAX_MERGED_SIBLINGS) return;
  throw new RepositoryDamagedError(
    `of memory ${id}`,
    `would give it ${count} versions side by side, more than ${MAX_MERGED_SIBLINGS}`,
  );
}

/** Parts of the transaction that merges memories. */
export interface MergeContext {
  readonly connection: Connection;
  readonly writer: VersionWriter;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Version vector of this store before the merge. */
  readonly localClock: VersionVector;
  readonly remoteClock: VersionVector;
  /** True keeps the content of memories that another machine erased, hidden. */
  readonly hidePurged: boolean;
}

export interface MergedState {
  readonly before: StoredMemory | null;
  readonly after: StoredMemory;
  /** Number of writes whose dot another write has too. */
  readonly reusedDots: number;
  /** True when this store did not know the id although its version vector covers a version of it. */
  readonly wasMissing: boolean;
}

/** Merges the state of one memory into the store. Writes no version when the store knows all of them. */
export function mergeState(context: MergeContext, { id, siblings: remote }: MemoryState): MergedState {
  const { connection, localClock, remoteClock } = context;
  const before = loadMemory(connection, id) ?? null;
  const local = before?.siblings ?? [];
  const wasMissing = before === null && remote.some(({ dot }) => covers(localClock, dot));
  const merged = mergeMemory<Version>({ local, localClock, remote, remoteClock });
  const unchanged =
    before !== null &&
    merged.homeless.length === 0 &&
    merged.siblings.length === local.length &&
    merged.siblings.every((version) => local.some((own) => own === version));
  if (before !== null && unchanged) {
    const current = currentVersion(before.siblings);
    const attached = attachAll(context, before, { remote, current });
    // Vector indexes read changes by sequence number.
    if (attached) bumpSequence.run(connection, context.writer.totals.nextSequence(), before.num);
    return { before, after: before, reusedDots: 0, wasMissing };
  }
  return { ...new MemoryMerge(context, before, { id, siblings: remote }).apply(merged), wasMissing };
}

/** Writes one merged memory. */
class MemoryMerge {
  readonly #context: MergeContext;
  readonly #before: StoredMemory | null;
  readonly #memory: { readonly num: number; readonly id: string };
  readonly #remote: readonly CarriedVersion[];
  #reusedDots = 0;

  constructor(context: MergeContext, before: StoredMemory | null, { id, siblings }: MemoryState) {
    this.#context = context;
    this.#before = before;
    this.#memory = before ?? { num: nextNum(context.connection), id };
    this.#remote = siblings;
  }

  apply(merged: {
    readonly siblings: readonly Version[];
    readonly homeless: readonly Version[];
  }): Omit<MergedState, 'wasMissing'> {
    const { connection, writer, now } = this.#context;
    const local = this.#before?.siblings ?? [];
    for (const version of local) {
      if (!merged.siblings.some(({ dot }) => sameDot(dot, version.dot))) {
        makeHistory.run(connection, now, version.key);
      }
    }
    const kept = merged.siblings.map((version) => this.#keep(version, local));
    const homeless = merged.homeless.map((version) => this.#storeAnew(version));
    assertFewSiblings(this.#memory.id, kept.length + homeless.length);
    const after = this.#erase({ ...this.#memory, siblings: [...kept, ...homeless] });
    const remote = this.#remote;
    // A new memory gets its carried vectors before `settle`, so that it does not become pending.
    if (this.#before === null) attachAll(this.#context, after, { remote, current: null });
    const { current } = settle(writer.settling, this.#before, after);
    if (this.#before !== null) attachAll(this.#context, after, { remote, current });
    const isGone = current.state === 'purged' || current.state === 'stripped';
    if (current.state === 'purged') this.#hide(after.num);
    if (isGone) deleteHistory.run(connection, after.num);
    else trimHistory(connection, after.num);
    return {
      before: this.#before,
      after,
      reusedDots: this.#reusedDots,
    };
  }

  /** Keeps the content that was shown here until another machine erased the memory. */
  #hide(num: number): void {
    const { connection, hidePurged, now } = this.#context;
    if (!hidePurged || this.#before === null) return;
    const { state, ...content } = currentVersion(this.#before.siblings);
    if (state === 'live' || state === 'deleted') hide(connection, num, { content, at: now });
  }

  /** When one machine purged the memory and another moved it to the trash, erases the deleted version too. */
  #erase(memory: StoredMemory): StoredMemory {
    if (currentVersion(memory.siblings).state !== 'purged') return memory;
    const { connection } = this.#context;
    const siblings = memory.siblings.map((version) =>
      version.state === 'deleted' ? expireVersion(connection, version) : version,
    );
    return { ...memory, siblings };
  }

  #keep(version: Version, local: readonly StoredVersion[]): StoredVersion {
    const { connection } = this.#context;
    const own = local.find(({ dot }) => sameDot(dot, version.dot));
    if (own === undefined) return this.#store(version);
    if (own === version) return own;
    if (version.state === 'stripped') return expireVersion(connection, own);
    // The dot was used twice, and the other content won.
    deleteChunks.run(connection, own.key);
    deleteVersion.run(connection, own.key);
    return storeVersion(connection, this.#memory, version);
  }

  /** Stores a version under its own dot when that is free, else under a new one. */
  #store(version: Version): StoredVersion {
    const { connection } = this.#context;
    const { machine, n } = version.dot;
    const taken = findByDot.get(connection, machine, n);
    if (taken === undefined) return storeVersion(connection, this.#memory, version);
    if (taken.sibling === 0 && taken.num === this.#memory.num) {
      deleteChunks.run(connection, taken.key);
      deleteVersion.run(connection, taken.key);
      return storeVersion(connection, this.#memory, version);
    }
    return this.#storeAnew(version);
  }

  #storeAnew(version: Version): StoredVersion {
    this.#reusedDots += 1;
    const dot = this.#context.writer.totals.nextDot();
    return storeVersion(this.#context.connection, this.#memory, { ...version, dot });
  }
}

/**
 * Attaches the carried vectors to the versions with the same text.
 * @returns true when vectors were added
 */
function attachAll(
  { connection }: MergeContext,
  memory: StoredMemory,
  { remote, current }: { readonly remote: readonly CarriedVersion[]; readonly current: Version | null },
): boolean {
  let added = false;
  for (const { vectors, text } of remote) {
    if (vectors.length === 0) continue;
    for (const version of memory.siblings) {
      if (version.text !== text || version.state === 'stripped' || version.state === 'purged') continue;
      const target = { key: version.key, num: memory.num, isCurrent: version === current };
      added = attachVectors(connection, target, vectors) || added;
    }
  }
  return added;
}

export interface RestoredState {
  readonly after: StoredMemory;
  /** True when the memory was purged after the snapshot and stays erased. */
  readonly keptErased: boolean;
  /** True when another machine had purged the memory and it is live again. */
  readonly broughtBack: boolean;
}

/**
 * Writes a new version when a merged memory shows other content than the snapshot.
 * @param bringBack also for memories that other machines purged
 */
export function restoreState(
  context: MergeContext,
  memory: StoredMemory,
  { state: { siblings }, bringBack }: { readonly state: MemoryState; readonly bringBack: boolean },
): RestoredState {
  // `currentVersion` returns one of its arguments.
  const wanted = currentVersion(siblings) as CarriedVersion;
  const { current } = derive(memory);
  const live = wanted.state === 'live';
  const isErased = current.state === 'purged';
  if (isErased && (!live || !bringBack || isErasedHere(context.connection, memory.num)))
    return { after: memory, keptErased: live, broughtBack: false };
  if (!live) return { after: removeState(context, memory), keptErased: false, broughtBack: false };
  if (hasDotsOf(memory, siblings) || showsExactly(memory, wanted))
    return { after: memory, keptErased: false, broughtBack: false };
  const after = context.writer.replace(memory, 'live', contentOf(wanted));
  const [version] = after.siblings;
  if (version !== undefined) {
    const target = { key: version.key, num: after.num, isCurrent: true };
    attachVectors(context.connection, target, wanted.vectors);
  }
  return { after, keptErased: false, broughtBack: isErased };
}

/** Moves a live memory to the trash with its present content. */
export function removeState({ writer, now }: MergeContext, memory: StoredMemory): StoredMemory {
  const { current } = derive(memory);
  if (current.state !== 'live') return memory;
  return writer.replace(memory, 'deleted', { ...contentOf(current), updatedAt: now });
}

function hasDotsOf(memory: StoredMemory, siblings: readonly CarriedVersion[]): boolean {
  return (
    memory.siblings.length === siblings.length &&
    memory.siblings.every(({ dot }) => siblings.some((other) => sameDot(other.dot, dot)))
  );
}

function showsExactly({ id, siblings }: StoredMemory, wanted: MemoryContent): boolean {
  const [only, ...others] = siblings;
  if (only === undefined || others.length > 0 || only.state !== 'live') return false;
  return toHex(contentHash(id, only)) === toHex(contentHash(id, wanted));
}
