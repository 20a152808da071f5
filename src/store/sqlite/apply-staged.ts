import { StateChangedError } from '../../errors/input-errors.ts';
import { covers, joinClocks, type Clock } from '../../memory/version.ts';
import type { ApplyRequest, ChangeReport } from '../replica-store.ts';
import { ChangeCounter } from './change-counter.ts';
import type { Connection } from './connection.ts';
import { readDigests, readLedger } from './ledger.ts';
import { mergeState, type MergeContext } from './merge-state.ts';
import { writeNote } from './notes.ts';
import { Query } from './query.ts';
import { removeState, restoreState } from './restore-state.ts';
import type { StagingFile } from './staging-file.ts';
import { loadMemory } from './stored-memory.ts';
import { nextNum, VersionWriter } from './version-writer.ts';
import type { WriteContext } from './writes.ts';

const selectIds = new Query<
  [after: number, before: number, limit: number],
  { num: number; id: string; state: string }
>('SELECT num, id, state FROM memory WHERE num > ? AND num < ? ORDER BY num LIMIT ?');
const upsertClock = new Query<[machine: string, n: number]>(
  'INSERT INTO clock (machine, n) VALUES (?, ?) ON CONFLICT (machine) DO UPDATE SET n = excluded.n',
);
const PAGE = 1_000;

export interface Application extends WriteContext {
  readonly staging: StagingFile;
  readonly how: 'merge' | 'restore';
  readonly request: ApplyRequest;
}

/**
 * Applies staged states inside a write transaction. A dry run, and what the limit holds back, does the same and
 * takes it back, so that its report is exact.
 * @throws StateChangedError, RangeError when a part of a snapshot should be restored
 */
export function applyStaged(application: Application): ChangeReport {
  const { connection, request, how } = application;
  if (how === 'restore' && !request.complete)
    throw new RangeError('only a complete snapshot can be restored');
  const before = readDigests(connection);
  if (request.expectedState !== undefined && request.expectedState !== before.stateDigest) {
    throw new StateChangedError();
  }
  const { live } = readLedger(connection);
  const counter = applyAll(application, before.clock);
  const after = readDigests(connection);
  const { limit, dryRun = false, note } = request;
  const removed = counter.lists.removed.count;
  const held = limit !== undefined && removed > limit.count && removed > limit.share * live;
  const applied = !held && !dryRun;
  if (!applied) connection.takeBack();
  else if (note !== undefined) writeNote(connection, note.name, note.value);
  const { conflicts, reusedDots, missingIds, keptErased } = counter;
  return { applied, held, ...counter.lists, conflicts, reusedDots, missingIds, keptErased, before, after };
}

function applyAll({ connection, now, staging, how, request }: Application, localClock: Clock): ChangeCounter {
  // Before the first new dot, so that none is given that the other side has seen already.
  saveClock(connection, joinClocks(localClock, request.clock));
  const writer = new VersionWriter(connection, now);
  const context: MergeContext = { connection, writer, now, localClock, remoteClock: request.clock };
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
      const restored = restoreState(context, after, state);
      if (restored.keptErased) counter.keptErased += 1;
      after = restored.after;
    }
    counter.note(merged.before, after);
  }
  if (request.complete) visitOthers({ context, staging, how, counter, firstNew });
  writer.finish({ forgetWords: erased });
  return counter;
}

/** Memories that the snapshot does not have: a merge keeps them, a restore moves the live ones to the trash. */
function visitOthers(visit: {
  readonly context: MergeContext;
  readonly staging: StagingFile;
  readonly how: 'merge' | 'restore';
  readonly counter: ChangeCounter;
  /** From this number on, memories came with the snapshot. */
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

function saveClock(connection: Connection, clock: Clock): void {
  for (const [machine, n] of Object.entries(clock)) upsertClock.run(connection, machine, n);
}
