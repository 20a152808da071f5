import type { CarriedVectors, OwnCommit, SeenCommit } from '../../backup/ports.ts';
import type { EmbeddingModelId } from '../../embedding/embedder.ts';
import { canonicalJson, contentOf, sameDot } from '../../memory/version.ts';
import type { LogPage, SharedMemory, SharedNote, SharedVersion, VectorPage } from '../shared-log.ts';
import { saveVersionVector } from './apply-staged.ts';
import { type Connection, Query } from './connection.ts';
import { derive, settle, type SettleContext } from './derived-state.ts';
import { setVectors } from './embeddings.ts';
import { ChangedWords } from './full-text.ts';
import { setErasure } from './hidden.ts';
import { registerModel } from './models.ts';
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
 * Makes memories of this store equal to those of a page: versions, replaced ones included, vectors, and the kept
 * content of erased ones. They keep the numbers of their changes, so that all stores of a space count alike.
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
function setVersions(connection: Connection, memory: StoredMemory, versions: readonly SharedVersion[]): void {
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

/** A version may be gone since its memory was read, or be replaced; its memory comes again in that case. */
const insertChunks = new Query<[rows: string, vectors: Uint8Array]>(
  `INSERT INTO chunk (version, model, start_offset, end_offset, vector)
   SELECT v.key, e.value ->> 2, e.value ->> 3, e.value ->> 4, substr(?2, 1 + (e.value ->> 5), e.value ->> 6)
   FROM json_each(?1) e CROSS JOIN version v ON v.machine = e.value ->> 0 AND v.n = e.value ->> 1
   WHERE v.sibling = 1`,
);
const insertPending = new Query<[until: number]>(
  `INSERT OR IGNORE INTO pending (model, num, leased_until, later)
   SELECT o.id, m.num, ?, m.kind = 'conversation' FROM memory m CROSS JOIN model o
   WHERE m.state = 'live' AND NOT EXISTS (SELECT 1 FROM chunk c WHERE c.version = m.current AND c.model = o.id)`,
);

/** Adds vectors to versions that have none yet. `endVectors` follows after the last page. */
export function applyVectors(connection: Connection, { rows, vectors }: VectorPage): void {
  const models = new Map<string, number | undefined>();
  const modelOf = (modelId: EmbeddingModelId): number | undefined => {
    const key = JSON.stringify([modelId.modelId, modelId.dimension, modelId.weightsHash]);
    if (!models.has(key)) models.set(key, registerModel(connection, modelId));
    return models.get(key);
  };
  const chunks = rows.flatMap(({ dot, modelId, starts, ends, at, bytes }) => {
    const model = modelOf(modelId);
    if (model === undefined) return [];
    const size = bytes / Math.max(starts.length, 1);
    return starts.map((start, place) => [
      ...[dot.machine, dot.n, model, start],
      ...[ends[place] ?? start, at + place * size, size],
    ]);
  });
  insertChunks.run(connection, JSON.stringify(chunks), vectors);
}

/** Notes the memories that have no vectors, which another store may be making. */
export function endVectors(connection: Connection, now: number): void {
  insertPending.run(connection, now + EMBEDDED_ELSEWHERE_MS);
}
