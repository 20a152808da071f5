import { closeSync, ftruncateSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { MemoryState } from '../../backup/ports.ts';
import { StateChangedError } from '../../errors/input-errors.ts';
import { toHex } from '../../memory/digest.ts';
import { REMOVALS_NOTE, type SpentRemovals, spendRemovals } from '../../memory/removal-budget.ts';
import {
  type VersionVector,
  covers,
  currentVersion,
  isConflict,
  joinVersionVectors,
} from '../../memory/version.ts';
import {
  type ApplyRequest,
  type ChangeExample,
  type ChangeList,
  type ChangeReport,
  MAX_REPORTED_IDS,
} from '../replica-store.ts';
import { Connection, Query } from './connection.ts';
import { derive } from './derived-state.ts';
import { type MergeContext, mergeState, removeState, restoreState } from './merge-state.ts';
import { readNote, writeNote } from './notes.ts';
import { loadMemory, type StoredMemory } from './rows.ts';
import { readDigests, readTotals } from './totals.ts';
import { nextNum, VersionWriter } from './version-writer.ts';
import type { WriteContext } from './writes.ts';

const selectIds = new Query<
  [after: number, before: number, limit: number],
  { num: number; id: string; state: string }
>('SELECT num, id, state FROM memory WHERE num > ? AND num < ? ORDER BY num LIMIT ?');
const upsertVersionVector = new Query<[machine: string, n: number]>(
  'INSERT INTO clock (machine, n) VALUES (?, ?) ON CONFLICT (machine) DO UPDATE SET n = excluded.n',
);
const PAGE = 1_000;

export interface Application extends WriteContext {
  readonly staging: StagingFile;
  readonly how: 'merge' | 'restore';
  readonly request: ApplyRequest;
}

/**
 * Applies staged states inside a write transaction. A dry run, or changes over the limit, are applied and then rolled
 * back, so that the report is exact.
 * @throws StateChangedError when the local state is not the expected one
 * @throws RangeError when only a part of a snapshot is to be restored
 */
export function applyStaged(application: Application): ChangeReport {
  const { connection, request, how } = application;
  if (how === 'restore' && !request.complete)
    throw new RangeError('only a complete snapshot can be restored');
  const before = readDigests(connection);
  if (request.expectedState !== undefined && request.expectedState !== before.stateDigest) {
    throw new StateChangedError();
  }
  const { live } = readTotals(connection);
  const counter = applyAll(application, before.clock);
  const after = readDigests(connection);
  const { limit, dryRun = false, note } = request;
  const { count } = counter.removed;
  const spent =
    limit === undefined
      ? null
      : spendRemovals(readNote(connection, REMOVALS_NOTE), { now: application.now, count, live, limit });
  const held = spent?.held === true && request.confirmed !== true;
  const applied = !held && !dryRun;
  if (!applied) connection.takeBack();
  else {
    if (note !== undefined) writeNote(connection, note.name, note.value);
    if (spent !== null) noteRemovals(connection, { ...spent, confirmed: request.confirmed === true });
  }
  const report = { applied, held, removedLately: spent?.lately ?? 0, ...counter.report(applied) };
  return { ...report, before, after };
}

/** What the user agreed to does not count, and a large merge that the user agreed to begins the budget anew. */
function noteRemovals(
  connection: Connection,
  { held, note, confirmed }: SpentRemovals & { readonly confirmed: boolean },
): void {
  if (held) writeNote(connection, REMOVALS_NOTE, null);
  else if (!confirmed) writeNote(connection, REMOVALS_NOTE, note);
}

function applyAll(
  { connection, now, staging, how, request }: Application,
  localClock: VersionVector,
): ChangeCounter {
  // The version vectors are joined before the first new dot, so that no dot is used that the other side already knows.
  saveVersionVector(connection, joinVersionVectors(localClock, request.clock));
  const writer = new VersionWriter(connection, now);
  const { clock: remoteClock, hidePurged = false, bringBack = false } = request;
  const context: MergeContext = { connection, writer, now, localClock, remoteClock, hidePurged };
  const counter = new ChangeCounter();
  const firstNew = nextNum(connection);
  let erased = false;
  for (const state of staging.states()) {
    const merged = mergeState(context, state);
    counter.reusedDots += merged.reusedDots;
    if (merged.wasMissing) counter.missingIds += 1;
    erased ||= merged.erased;
    let { after } = merged;
    if (how === 'restore') {
      const restored = restoreState(context, after, { state, bringBack });
      if (restored.keptErased) counter.keptErased += 1;
      if (restored.broughtBack) counter.broughtBack += 1;
      after = restored.after;
    }
    counter.note(merged.before, after);
  }
  if (request.complete) visitOthers({ context, staging, how, counter, firstNew });
  writer.finish({ forgetWords: erased });
  return counter;
}

/** Visits memories that the snapshot lacks: a merge keeps them, a restore moves the live ones to the trash. */
function visitOthers(visit: {
  readonly context: MergeContext;
  readonly staging: StagingFile;
  readonly how: 'merge' | 'restore';
  readonly counter: ChangeCounter;
  /** Memories with this row number or a higher one came with the snapshot. */
  readonly firstNew: number;
}): void {
  const { context, staging, how, counter, firstNew } = visit;
  const { connection, remoteClock } = context;
  for (let after = 0; ;) {
    const rows = selectIds.all(connection, after, firstNew, PAGE);
    for (const { id, state } of rows) {
      if (staging.has(id)) continue;
      const memory = loadMemory(connection, id);
      if (memory === undefined) continue;
      if (memory.siblings.some(({ dot }) => covers(remoteClock, dot))) counter.missingIds += 1;
      if (how === 'restore' && state === 'live') counter.note(memory, removeState(context, memory));
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = last.num;
  }
}

function saveVersionVector(connection: Connection, clock: VersionVector): void {
  for (const [machine, n] of Object.entries(clock)) upsertVersionVector.run(connection, machine, n);
}

const MAX_EXAMPLES = 5;
const MAX_TEXT = 200;

interface GrowingList {
  count: number;
  readonly examples: ChangeExample[];
  readonly ids: string[];
}

/** Counts the visible changes, memory by memory. */
class ChangeCounter {
  readonly #added: GrowingList = { count: 0, examples: [], ids: [] };
  readonly #changed: GrowingList = { count: 0, examples: [], ids: [] };
  readonly removed: GrowingList = { count: 0, examples: [], ids: [] };
  conflicts = 0;
  reusedDots = 0;
  missingIds = 0;
  keptErased = 0;
  broughtBack = 0;

  /** @param before null for an unknown memory */
  note(before: StoredMemory | null, after: StoredMemory): void {
    if (before === after) return;
    if (before === null) {
      this.#noteNew(after);
      return;
    }
    const old = derive(before);
    const now = derive(after);
    if (now.entry.conflict && !old.entry.conflict) this.conflicts += 1;
    const oldHash = old.entry.contentHash;
    const newHash = now.entry.contentHash;
    if (newHash === null) {
      if (oldHash !== null) this.#count(this.removed, after.id, old.current.text);
    } else if (oldHash === null) this.#count(this.#added, after.id, now.current.text);
    else if (toHex(oldHash) !== toHex(newHash)) this.#count(this.#changed, after.id, now.current.text);
  }

  /** Counts a new memory without computing its hashes, which would take most of the time for a whole store. */
  #noteNew({ id, siblings }: StoredMemory): void {
    if (isConflict(siblings)) this.conflicts += 1;
    const { state, text } = currentVersion(siblings);
    if (state === 'live') this.#count(this.#added, id, text);
  }

  #count(list: GrowingList, id: string, text: string): void {
    list.count += 1;
    if (list.count <= MAX_REPORTED_IDS) list.ids.push(id);
    if (list.examples.length < MAX_EXAMPLES) {
      list.examples.push({ id, text: text.slice(0, MAX_TEXT).toWellFormed() });
    }
  }

  report(applied: boolean): Omit<ChangeReport, 'applied' | 'held' | 'removedLately' | 'before' | 'after'> {
    const { conflicts, reusedDots, missingIds, keptErased, broughtBack } = this;
    const list = ({ count, examples, ids }: GrowingList): ChangeList =>
      applied || count > MAX_REPORTED_IDS ? { count, examples } : { count, examples, ids };
    const lists = { added: list(this.#added), changed: list(this.#changed), removed: list(this.removed) };
    return { ...lists, conflicts, reusedDots, missingIds, keptErased, broughtBack };
  }
}

const NAME = 'staging.sqlite';
/** Few states at once, because one may have some MiB. */
const STAGED_PAGE = 32;

const insertState = new Query<[id: string, state: Uint8Array]>('INSERT INTO state (id, state) VALUES (?, ?)');
const selectPage = new Query<[after: string, limit: number], { id: string; state: Uint8Array }>(
  'SELECT id, state FROM state WHERE id > ? ORDER BY id LIMIT ?',
);
const findState = new Query<[id: string], { found: number }>('SELECT 1 AS found FROM state WHERE id = ?');

/**
 * A file with the states of a snapshot, which may be larger than the main memory and are applied only when all of them
 * are there. After a crash the file is useless, and the next staging file replaces it.
 */
export class StagingFile {
  readonly #path: string;
  readonly #handle: number;
  readonly #connection: Connection;

  constructor(dataDir: string) {
    this.#path = join(dataDir, NAME);
    remove(this.#path);
    this.#handle = openSync(this.#path, 'wx', 0o600);
    this.#connection = new Connection(this.#path);
    // The file need not survive a crash, so speed matters more than durability.
    this.#connection.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA secure_delete = OFF');
    this.#connection.exec('CREATE TABLE state (id TEXT PRIMARY KEY, state BLOB NOT NULL) STRICT');
  }

  add(states: readonly MemoryState[]): void {
    this.#connection.exec('BEGIN');
    for (const state of states) insertState.run(this.#connection, state.id, serialize(state));
    this.#connection.exec('COMMIT');
  }

  has(id: string): boolean {
    return findState.get(this.#connection, id) !== undefined;
  }

  /** Yields the states in the order of their ids. */
  *states(): Generator<MemoryState> {
    for (let after = ''; ;) {
      const rows = selectPage.all(this.#connection, after, STAGED_PAGE);
      // Only `add` writes the rows.
      for (const { state } of rows) yield deserialize(state) as MemoryState;
      const last = rows.at(-1);
      if (last === undefined || rows.length < STAGED_PAGE) return;
      after = last.id;
    }
  }

  close(): void {
    // The library may keep the file open for long, so its memory and its disk space are freed explicitly.
    this.#connection.exec('PRAGMA shrink_memory');
    this.#connection.close();
    ftruncateSync(this.#handle);
    closeSync(this.#handle);
    remove(this.#path);
  }
}

function remove(path: string): void {
  for (const suffix of ['', '-journal', '-wal', '-shm']) rmSync(path + suffix, { force: true });
}
