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

/**
 * Makes memories of this store equal to those of a page: versions, replaced ones included, vectors, and what is kept of
 * erased ones. They keep the numbers of their changes, so that all stores of a space count alike.
 * @param now milliseconds since the epoch
 */
export function applyPage(connection: Connection, page: LogPage, now: number): void {
  const counted = readTotals(connection).sequence;
  const totals = Totals.load(connection);
  const words = new ChangedWords();
  const context: SettleContext = { connection, totals, words };
  for (const memory of page.memories) applyMemory(context, memory, now);
  words.apply(connection);
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

function applyMemory(context: SettleContext, memory: SharedMemory, now: number): void {
  const { connection, totals } = context;
  const { id, change } = memory;
  const before = loadMemory(connection, id) ?? null;
  const num = before?.num ?? nextNum(connection);
  setVersions(connection, { num, id }, memory.versions);
  const siblings = selectSiblings.all(connection, num).map(toVersion);
  const after: StoredMemory = { num, id, siblings };
  const attach = (current: number | null): void => {
    attachAll(connection, after, { memory, current });
  };
  if (before !== null && sameSiblings(before, after)) attach(derive(after).current.key);
  else {
    // A new memory gets its vectors before `settle`, so that it does not become pending.
    if (before === null) attach(null);
    totals.countFrom(change - 1);
    const { current } = settle(context, before, after);
    if (before !== null) attach(current.key);
    leasePending.run(connection, now + EMBEDDED_ELSEWHERE_MS, num);
  }
  setErasure(connection, num, memory);
  // Vectors alone have a number of their own.
  if (selectSequence.get(connection, num)?.sequence !== change) setSequence.run(connection, change, num);
}

/** Versions that stay keep their keys, because vectors and the vector index know them by these. */
function setVersions(
  connection: Connection,
  memory: { readonly num: number; readonly id: string },
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

/** @param of.current key of the version that is shown; null = of a new memory */
function attachAll(
  connection: Connection,
  { num, siblings }: StoredMemory,
  { memory, current }: { readonly memory: SharedMemory; readonly current: number | null },
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
