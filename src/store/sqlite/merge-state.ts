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
} from '../../memory/version.ts';
import { type Connection, Query } from './connection.ts';
import { derive, settle } from './derived-state.ts';
import { attachVectors } from './embeddings.ts';
import { loadMemory, type StoredMemory, type StoredVersion, storeVersion, expireVersion } from './rows.ts';
import { deleteHistory, nextNum, trimHistory, type VersionWriter } from './version-writer.ts';
import { toContent } from './writes.ts';

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

/** Far more than machines that ever write at the same moment, and far fewer than a backup may hold. */
const MAX_MERGED_SIBLINGS = 128;

/** @throws RepositoryDamagedError before a memory has more versions side by side than a backup of it may hold */
function assertFewSiblings(id: string, count: number): void {
  if (count <= MAX_MERGED_SIBLINGS) return;
  throw new RepositoryDamagedError(
    `of memory ${id}`,
    `would give it ${count} versions side by side, more than ${MAX_MERGED_SIBLINGS}`,
  );
}

/** What merging one memory needs. */
export interface MergeContext {
  readonly connection: Connection;
  readonly writer: VersionWriter;
  readonly now: number;
  /** Before the merge. */
  readonly localClock: VersionVector;
  readonly remoteClock: VersionVector;
}

export interface MergedState {
  readonly before: StoredMemory | null;
  readonly after: StoredMemory;
  /** Writes whose dot another write has too. */
  readonly reusedDots: number;
  /** The id was unknown here although our clock covers its versions. */
  readonly wasMissing: boolean;
  /** Content left the store for good. */
  readonly erased: boolean;
}

/** Merges the state of one memory into the store. Writes nothing when the store knows all of it. */
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
    // Vector indexes follow the sequence.
    if (attached) bumpSequence.run(connection, context.writer.totals.nextSequence(), before.num);
    return { before, after: before, reusedDots: 0, wasMissing, erased: false };
  }
  return { ...new MemoryMerge(context, before, { id, siblings: remote }).apply(merged), wasMissing };
}

/** The writing of one merged memory. */
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
    // Of a new memory first, so that nobody is asked to make vectors that came along.
    if (this.#before === null) attachAll(this.#context, after, { remote, current: null });
    const { current } = settle(writer.settling, this.#before, after);
    if (this.#before !== null) attachAll(this.#context, after, { remote, current });
    const isGone = current.state === 'purged' || current.state === 'stripped';
    if (isGone) deleteHistory.run(connection, after.num);
    else trimHistory(connection, after.num);
    return {
      before: this.#before,
      after,
      reusedDots: this.#reusedDots,
      erased: isGone && this.#before !== null,
    };
  }

  /** Erased on demand on one machine and moved to the trash on another: the trash loses its content too. */
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
    // The other content of a dot that was used twice.
    deleteChunks.run(connection, own.key);
    deleteVersion.run(connection, own.key);
    return storeVersion(connection, this.#memory, version);
  }

  /** Under its own dot if that is free. */
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
 * Attaches the vectors that came along to the versions they belong to: those with the same text.
 * @returns true when any was new
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
  /** The snapshot has content that was erased here on demand; it stays erased. */
  readonly keptErased: boolean;
}

/** Makes a merged memory show what the snapshot shows, by a new version where it shows something else. */
export function restoreState(
  context: MergeContext,
  memory: StoredMemory,
  { siblings }: MemoryState,
): RestoredState {
  // `currentVersion` returns one of the versions it was given.
  const wanted = currentVersion(siblings) as CarriedVersion;
  const { current } = derive(memory);
  const live = wanted.state === 'live';
  if (current.state === 'purged') return { after: memory, keptErased: live };
  if (!live) return { after: removeState(context, memory), keptErased: false };
  if (hasDotsOf(memory, siblings) || showsExactly(memory, wanted))
    return { after: memory, keptErased: false };
  const after = context.writer.replace(memory, 'live', contentOf(wanted));
  const [version] = after.siblings;
  if (version !== undefined) {
    const target = { key: version.key, num: after.num, isCurrent: true };
    attachVectors(context.connection, target, wanted.vectors);
  }
  return { after, keptErased: false };
}

/** To the trash, with the content that it has here. */
export function removeState({ writer, now }: MergeContext, memory: StoredMemory): StoredMemory {
  const { current } = derive(memory);
  if (current.state !== 'live') return memory;
  return writer.replace(memory, 'deleted', { ...toContent(current), updatedAt: now });
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

function contentOf({ text, tags, source, metadata, createdAt, updatedAt }: MemoryContent): MemoryContent {
  return { text, tags, source, metadata, createdAt, updatedAt };
}
