import { StateChangedError } from '../../errors/input-errors.ts';
import { toHex } from '../../memory/digest.ts';
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
import { type Connection, Query } from './connection.ts';
import { derive } from './derived-state.ts';
import { type MergeContext, mergeState, removeState, restoreState } from './merge-state.ts';
import { writeNote } from './notes.ts';
import { weighRemovals } from './removals.ts';
import { loadMemory, type StoredMemory } from './rows.ts';
import { readDigests, readTotals } from './totals.ts';
import { nextNum, VersionWriter } from './version-writer.ts';
import type { StagingFile } from './staging-file.ts';
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
  const { dryRun = false, note } = request;
  const removals = { now: application.now, count: counter.removed.count, live };
  const { held, lately, spend } = weighRemovals(connection, request, removals);
  const applied = !held && !dryRun;
  if (!applied) connection.takeBack();
  else {
    if (note !== undefined) writeNote(connection, note.name, note.value);
    spend();
  }
  return { applied, held, removedLately: lately, ...counter.report(applied), before, after };
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
  mergeStates({ context, staging, how, counter, bringBack });
  if (request.complete) visitOthers({ context, staging, how, counter, firstNew });
  writer.finish();
  return counter;
}

/**
 * Merges the staged states after an id, in the order of their ids, until the time is over.
 * @returns the last id, and whether all states are merged
 */
export function mergeStates({
  context,
  staging,
  how,
  counter,
  bringBack = false,
  after = '',
  until = Infinity,
}: {
  readonly context: MergeContext;
  readonly staging: StagingFile;
  readonly how: 'merge' | 'restore';
  readonly counter: ChangeCounter;
  /** True when a restore brings back memories that other machines erased. */
  readonly bringBack?: boolean;
  /** Default: from the first state on. */
  readonly after?: string;
  /** By `performance.now`. At least one state is merged. */
  readonly until?: number;
}): { readonly last: string; readonly done: boolean } {
  let last = after;
  for (const state of staging.states(after)) {
    const merged = mergeState(context, state);
    counter.reusedDots += merged.reusedDots;
    if (merged.wasMissing) counter.missingIds += 1;
    let { after: now } = merged;
    if (how === 'restore') {
      const restored = restoreState(context, now, { state, bringBack });
      if (restored.keptErased) counter.keptErased += 1;
      if (restored.broughtBack) counter.broughtBack += 1;
      now = restored.after;
    }
    counter.note(merged.before, now);
    last = state.id;
    if (performance.now() >= until) return { last, done: false };
  }
  return { last, done: true };
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

export function saveVersionVector(connection: Connection, clock: VersionVector): void {
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
export class ChangeCounter {
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

  /** Adds the changes that were counted after these. */
  join(next: ChangeCounter): void {
    for (const [list, more] of [
      [this.#added, next.#added],
      [this.#changed, next.#changed],
      [this.removed, next.removed],
    ] as const) {
      list.count += more.count;
      list.examples.push(...more.examples.slice(0, MAX_EXAMPLES - list.examples.length));
      list.ids.push(...more.ids.slice(0, MAX_REPORTED_IDS - list.ids.length));
    }
    this.conflicts += next.conflicts;
    this.reusedDots += next.reusedDots;
    this.missingIds += next.missingIds;
    this.keptErased += next.keptErased;
    this.broughtBack += next.broughtBack;
  }

  report(applied: boolean): Omit<ChangeReport, 'applied' | 'held' | 'removedLately' | 'before' | 'after'> {
    const { conflicts, reusedDots, missingIds, keptErased, broughtBack } = this;
    const list = ({ count, examples, ids }: GrowingList): ChangeList =>
      applied || count > MAX_REPORTED_IDS ? { count, examples } : { count, examples, ids };
    const lists = { added: list(this.#added), changed: list(this.#changed), removed: list(this.removed) };
    return { ...lists, conflicts, reusedDots, missingIds, keptErased, broughtBack };
  }
}
