import type { CarriedVectors, OwnCommit, SeenCommit } from '../../backup/ports.ts';
import { canonicalJson, contentOf, sameDot } from '../../memory/version.ts';
import type { LogPage, SharedMemory, SharedNote, SharedVersion } from '../shared-log.ts';
import { saveVersionVector } from './apply-staged.ts';
import { type Connection, Query } from './connection.ts';
import { derive, settle, type SettleContext } from './derived-state.ts';
import { setVectors } from './embeddings.ts';
import { ChangedWords } from './full-text.ts';
import { setErasure } from './hidden.ts';
import { recordAttempt, recordSeen, writeNote } from './notes.ts';
import {
  loadMemory,
  storeVersion,
  type StoredMemory,
  toVersion,
  VERSION_COLUMNS,
  type VersionRow,
} from './rows.ts';
import { UnknownMemories } from './apply-unknown.ts';
import { readTotals, Totals } from './totals.ts';
import { nextNum } from './version-writer.ts';

const selectVersions = new Query<[num: number], VersionRow>(
  `SELECT ${VERSION_COLUMNS} FROM version v WHERE v.num = ?`,
);
const selectSiblings = new Query<[num: number], VersionRow>(
  `SELECT ${VERSION_COLUMNS} FROM version v WHERE v.num = ? AND v.sibling = 1 ORDER BY v.key`,
);
const deleteChunks = new Query<[version: number]>('DELETE FROM chunk WHERE version = ?');
const deleteVersion = new Query<[key: number]>('DELETE FROM version WHERE key = ?');
const setPlace = new Query<[sibling: number, replacedAt: number | null, key: number]>(
  'UPDATE version SET sibling = ?, replaced_at = ? WHERE key = ?',
);
const setSequence = new Query<[sequence: number, num: number]>(
  'UPDATE memory SET sequence = ? WHERE num = ?',
);
const selectSequence = new Query<[num: number], { sequence: number }>(
  'SELECT sequence FROM memory WHERE num = ?',
);
const setMachine = new Query<[machine: string]>('UPDATE ledger SET machine = ?');
const clearVersionVector = new Query<[]>('DELETE FROM clock');
const leasePending = new Query<[until: number, num: number]>(
  'UPDATE pending SET leased_until = ? WHERE num = ? AND leased_until = 0',
);

/** Another store has just written a memory without vectors, and makes them itself unless it dies. */
const EMBEDDED_ELSEWHERE_MS = 30_000;

const selectKnown = new Query<[ids: string], [id: string]>(
  'SELECT m.id FROM json_each(?) w CROSS JOIN memory m ON m.id = w.value',
);

export interface PageApplication {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Memories up to this change are met for the first time. */
  readonly firstTimeUpTo: number;
  /** True = the vectors of the memories are not in the page, and come later. */
  readonly withoutVectors: boolean;
}

/**
 * Makes memories of this store equal to those of a page: versions, replaced ones included, vectors, and what is kept of
 * erased ones. They keep the numbers of their changes, so that all stores of a space count alike.
 */
export function applyPage(connection: Connection, page: LogPage, how: PageApplication): void {
  const counted = readTotals(connection).sequence;
  const totals = Totals.load(connection);
  const words = new ChangedWords();
  const context: SettleContext = { connection, totals, words };
  const known = knownAmong(connection, page.memories, how.firstTimeUpTo);
  const unknown = new UnknownMemories({ connection, totals });
  for (const memory of page.memories) if (!known.has(memory.id)) unknown.note(memory);
  unknown.insert();
  if (!how.withoutVectors) unknown.insertVectors(how.now + EMBEDDED_ELSEWHERE_MS);
  for (const memory of page.memories) if (known.has(memory.id)) applyMemory(context, memory, how.now);
  words.apply(connection);
  unknown.indexWords();
  // The vector index reads changes by their numbers, so none may be counted before its memory is here.
  const last = Math.max(page.memories.at(-1)?.change ?? 0, counted);
  totals.countFrom(page.done ? page.change : last);
  totals.save(connection);
  for (const note of page.notes) applyNote(connection, note);
  if (!page.done) return;
  setMachine.run(connection, page.machine);
  clearVersionVector.run(connection);
  saveVersionVector(connection, page.clock);
}

/** Ids of the memories of a page that the store has. */
function knownAmong(
  connection: Connection,
  memories: readonly SharedMemory[],
  firstTimeUpTo: number,
): ReadonlySet<string> {
  const asked = memories.filter(({ change }) => change > firstTimeUpTo).map(({ id }) => id);
  if (asked.length === 0) return new Set();
  return new Set(selectKnown.arrays(connection, JSON.stringify(asked)).map(([id]) => id));
}

function applyMemory(context: SettleContext, memory: SharedMemory, now: number): void {
  const { connection, totals } = context;
  const { id, change } = memory;
  const before = loadMemory(connection, id);
  if (before === undefined) return;
  const { num } = before;
  setVersions(connection, before, memory.versions);
  const siblings = selectSiblings.all(connection, num).map(toVersion);
  const after: StoredMemory = { num, id, siblings };
  const same = sameSiblings(before, after);
  if (!same) totals.countFrom(change - 1);
  const { current } = same ? derive(after) : settle(context, before, after);
  attachAll(connection, after, { memory, current: current.key });
  if (!same) leasePending.run(connection, now + EMBEDDED_ELSEWHERE_MS, num);
  setErasure(connection, num, memory);
  // Vectors alone have a number of their own.
  if (selectSequence.get(connection, num)?.sequence !== change) setSequence.run(connection, change, num);
}

/** Versions that stay keep their keys, because vectors and the vector index know them by these. */
function setVersions(
  connection: Connection,
  memory: StoredMemory,
  versions: readonly SharedVersion[],
): void {
  const known = selectVersions.all(connection, memory.num).map(toVersion);
  const isSame = (own: (typeof known)[number], other: SharedVersion): boolean =>
    sameDot(own.dot, other.dot) &&
    own.state === other.state &&
    canonicalJson(contentOf(own)) === canonicalJson(contentOf(other));
  for (const own of known) {
    if (versions.some((other) => isSame(own, other))) continue;
    deleteChunks.run(connection, own.key);
    deleteVersion.run(connection, own.key);
  }
  for (const version of versions) {
    const own = known.find((candidate) => isSame(candidate, version));
    const { key } = own ?? storeVersion(connection, memory, version);
    setPlace.run(connection, version.replacedAt === null ? 1 : 0, version.replacedAt, key);
  }
}

function sameSiblings(before: StoredMemory, after: StoredMemory): boolean {
  return (
    before.siblings.length === after.siblings.length &&
    before.siblings.every(({ key }, place) => after.siblings[place]?.key === key)
  );
}

/** @param of.current key of the version that is shown */
function attachAll(
  connection: Connection,
  { num, siblings }: StoredMemory,
  { memory, current }: { readonly memory: SharedMemory; readonly current: number },
): void {
  for (const { key, dot } of siblings) {
    const vectors = memory.vectors
      .filter((other) => sameDot(other.dot, dot))
      .map(({ modelId, chunks }): CarriedVectors => ({ modelId, chunks }));
    setVectors(connection, { key, num, isCurrent: key === current }, vectors);
  }
}

/** The values are those that `collectChanges` read. */
function applyNote(connection: Connection, { kind, place, name, value }: SharedNote): void {
  if (kind === 'note') writeNote(connection, name, value);
  else if (kind === 'attempt') recordAttempt(connection, place, value as unknown as OwnCommit);
  else recordSeen(connection, { repositoryId: place, machine: name }, value as unknown as SeenCommit);
}
