import { setImmediate, setTimeout } from 'node:timers/promises';
import { RepositoryDamagedError } from '../../errors/backup-errors.ts';
import { StateChangedError } from '../../errors/input-errors.ts';
import type { StoreDigests } from '../../memory/memory.ts';
import {
  compareVersionVectors,
  covers,
  joinVersionVectors,
  type JsonValue,
  type VersionVector,
} from '../../memory/version.ts';
import type { ApplyRequest, ChangeReport } from '../replica-store.ts';
import { ChangeCounter, mergeStates, saveVersionVector } from './apply-staged.ts';
import { type Connection, Query } from './connection.ts';
import { renameVersions } from './new-identity.ts';
import { readNote, writeNote } from './notes.ts';
import { countRemovals, liveConflicts, removalCandidates, type Removals, weighRemovals } from './removals.ts';
import { loadMemory } from './rows.ts';
import type { StagingFile } from './staging-file.ts';
import type { StoreFile } from './store-file.ts';
import { readDigests, readTotals, readVersionVector, Totals } from './totals.ts';
import { VersionWriter } from './version-writer.ts';

export interface StepSizes {
  /** Merges of so many memories and bytes take one transaction. */
  readonly memories: number;
  readonly bytes: number;
  /** Time for the memories of one step. Their words and the commit take about as long again. */
  readonly milliseconds: number;
}

const SIZES: StepSizes = { memories: 50, bytes: 256 * 1024, milliseconds: 20 };
/** After a call from elsewhere the merge waits so long for the next one, because a search is several calls. */
const PAUSE_MS = 10;
const MAX_PAUSES = 3;
const PAGE = 200;

/** Name of the note of a merge that has begun to change memories. */
export const MERGE = 'merge-in-steps';
const PROGRESS = 'merge-in-steps-progress';

interface RunningMerge {
  /** Name of the staging file. */
  readonly stage: string;
  /** Version vector of the snapshot. It is joined when all memories are merged. */
  readonly clock: VersionVector;
  readonly note: { readonly name: string; readonly value: JsonValue } | null;
  /** True when memories that other machines erased are hidden first. */
  readonly hidePurged: boolean;
  /** The state before the first step. */
  readonly before: StoreDigests;
}

interface Progress {
  /** The last merged id. */
  readonly after: string;
  readonly done: boolean;
}

const selectUncovered = new Query<[], { key: number; id: string }>(
  `SELECT v.key, m.id FROM version v JOIN memory m ON m.num = v.num LEFT JOIN clock c ON c.machine = v.machine
   WHERE c.n IS NULL OR c.n < v.n ORDER BY v.machine, v.n`,
);
const selectIds = new Query<[after: number, limit: number], { num: number; id: string }>(
  'SELECT num, id FROM memory WHERE num > ? ORDER BY num LIMIT ?',
);

/** The running merge that the store is in the middle of; null when there is none. */
function readMerge(connection: Connection): RunningMerge | null {
  // Only `begin` writes the note.
  return readNote(connection, MERGE) as RunningMerge | null;
}

/**
 * The digests of the store. In the middle of a merge they are those before it, because the memories are already newer
 * than the version vector says.
 */
export function readSettledDigests(connection: Connection): StoreDigests {
  const digests = readDigests(connection);
  const before = readMerge(connection)?.before;
  const same = before !== undefined && compareVersionVectors(before.clock, digests.clock) === 'equal';
  return same ? before : digests;
}

export interface StepParts {
  readonly file: StoreFile;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Only tests give other sizes. */
  readonly sizes?: StepSizes | undefined;
}

/**
 * Merges in short transactions, between which other calls and other processes have their turn. The version vector stays
 * as it was until the last one, which joins it: it never names a write that the store lacks. Until then, the memories
 * that were merged are newer than the version vector says, so nothing may be published; a note in the database says so.
 * The staging file is on the disk before the first step. A killed merge is finished from it before the next backup,
 * merge or change of identity (`finish`).
 */
export class MergeSteps {
  readonly #parts: StepParts;
  readonly #sizes: StepSizes;
  #seen: number;

  constructor(parts: StepParts) {
    this.#parts = parts;
    this.#sizes = parts.sizes ?? SIZES;
    this.#seen = parts.file.calls;
  }

  /** False when one transaction is right: for few memories, and when the snapshot names own writes that the store lacks. */
  async fits({ memories, bytes }: StagingFile, { clock }: ApplyRequest): Promise<boolean> {
    if (memories <= this.#sizes.memories && bytes <= this.#sizes.bytes) return false;
    return this.#read((connection) => {
      const { machine } = readTotals(connection);
      return (clock[machine] ?? 0) <= (readVersionVector(connection)[machine] ?? 0);
    });
  }

  /** @throws StateChangedError */
  async merge(staging: StagingFile, request: ApplyRequest): Promise<ChangeReport> {
    const { before, live } = await this.#read((connection) => ({
      before: readDigests(connection),
      live: readTotals(connection).live,
    }));
    const { expectedState, dryRun = false, limit } = request;
    if (expectedState !== undefined && expectedState !== before.stateDigest) throw new StateChangedError();
    // A merge that may be held back must be weighed as a whole first.
    const count = limit === undefined || live === 0 ? 0 : await this.#countRemovals(staging, request.clock);
    const removals = { now: this.#parts.now(), count, live };
    const { held, lately } = await this.#read((connection) => weighRemovals(connection, request, removals));
    const missing = request.complete ? await this.#countMissing(staging, request.clock) : 0;
    if (held || dryRun) {
      const { counter, after } = await this.#preview(staging, request);
      counter.missingIds += missing;
      return { applied: false, held, removedLately: lately, ...counter.report(false), before, after };
    }
    await this.#begin(staging, request, removals);
    const counter = await this.#run(staging);
    counter.missingIds += missing;
    const after = await this.#read(readDigests);
    return { applied: true, held: false, removedLately: lately, ...counter.report(true), before, after };
  }

  /**
   * Finishes the merge that a killed process, or an error, left unfinished.
   * @param reopen opens its staging file; null when that is gone
   */
  async finish(reopen: (name: string) => StagingFile | null): Promise<void> {
    const merge = await this.#read(readMerge);
    if (merge === null) return;
    const staging = reopen(merge.stage);
    if (staging === null) {
      await this.#giveUp();
      return;
    }
    try {
      await this.#run(staging);
      this.#parts.file.truncateLog();
    } finally {
      staging.close();
    }
  }

  /** Only the states that may remove a memory are looked at, and nothing is written. */
  async #countRemovals(staging: StagingFile, remoteClock: VersionVector): Promise<number> {
    const conflicts = await this.#read(liveConflicts);
    let count = 0;
    for (const ids of removalCandidates(staging, conflicts)) {
      count += await this.#read((connection) => {
        const localClock = readVersionVector(connection);
        return countRemovals(connection, { staging, ids, remoteClock, localClock });
      });
      await this.#yield();
    }
    return count;
  }

  /** Makes all steps and takes each of them back, for a report of the changes. */
  async #preview(
    staging: StagingFile,
    { clock, hidePurged = false }: ApplyRequest,
  ): Promise<{ readonly counter: ChangeCounter; readonly after: StoreDigests }> {
    const now = this.#parts.now();
    const counter = new ChangeCounter();
    let writer: VersionWriter | undefined;
    let after = '';
    let done = false;
    while (!done) {
      ({ last: after, done } = await this.#write((connection) => {
        const totals = writer?.totals;
        writer = new VersionWriter(connection, now, totals);
        const localClock = readVersionVector(connection);
        const context = { connection, writer, now, localClock, remoteClock: clock, hidePurged };
        const step = mergeStates({ context, staging, how: 'merge', counter, after, until: this.#deadline() });
        connection.takeBack();
        return step;
      }));
      await this.#yield();
    }
    const digests = await this.#write((connection) => {
      saveVersionVector(connection, joinVersionVectors(readVersionVector(connection), clock));
      writer?.totals.save(connection);
      const state = readDigests(connection);
      connection.takeBack();
      return state;
    });
    return { counter, after: digests };
  }

  #begin(staging: StagingFile, request: ApplyRequest, removals: Removals): Promise<void> {
    const { clock, note = null, hidePurged = false } = request;
    staging.keep();
    return this.#write((connection) => {
      weighRemovals(connection, request, removals).spend();
      const { clock: known, contentDigest, stateDigest } = readDigests(connection);
      const before = { clock: { ...known }, contentDigest, stateDigest };
      const stage = staging.name;
      writeNote(connection, MERGE, { stage, clock: { ...clock }, note, hidePurged, before });
    });
  }

  /** Makes all steps that are left. Another process that makes them too does no harm. */
  async #run(staging: StagingFile): Promise<ChangeCounter> {
    const counter = new ChangeCounter();
    try {
      for (let step = await this.#step(staging); step !== null; step = await this.#step(staging)) {
        counter.join(step);
        await this.#yield();
      }
    } catch (error) {
      if (error instanceof RepositoryDamagedError) {
        await this.#giveUp();
        staging.release();
      }
      throw error;
    }
    await this.#write(complete);
    staging.release();
    return counter;
  }

  /** @returns null when all memories are merged */
  #step(staging: StagingFile): Promise<ChangeCounter | null> {
    return this.#write((connection) => {
      const merge = readMerge(connection);
      const progress = readProgress(connection);
      if (merge?.stage !== staging.name || progress.done) return null;
      const now = this.#parts.now();
      const counter = new ChangeCounter();
      const writer = new VersionWriter(connection, now);
      const localClock = readVersionVector(connection);
      const { clock: remoteClock, hidePurged } = merge;
      const context = { connection, writer, now, localClock, remoteClock, hidePurged };
      const until = this.#deadline();
      const { after } = progress;
      const { last, done } = mergeStates({ context, staging, how: 'merge', counter, after, until });
      writer.finish();
      writeProgress(connection, { after: last, done });
      return counter;
    });
  }

  /**
   * Ends a merge that cannot be finished. The versions that were merged get new dots of this store, as if they had been
   * written here, so nothing is lost, and the version vector covers all versions.
   */
  #giveUp(): Promise<void> {
    return this.#write((connection) => {
      const totals = Totals.load(connection);
      renameVersions({ connection, totals }, selectUncovered.all(connection), () => totals.nextDot());
      totals.save(connection);
      forgetMerge(connection);
    });
  }

  /** Counts the memories that the snapshot lacks although its version vector covers them. */
  async #countMissing(staging: StagingFile, clock: VersionVector): Promise<number> {
    let missing = 0;
    for (let after = 0, rows: { num: number; id: string }[]; ; after = rows.at(-1)?.num ?? after) {
      rows = await this.#read((connection) => {
        const page = selectIds.all(connection, after, PAGE);
        const absent = page.filter(({ id }) => !staging.has(id));
        const memories = absent.map(({ id }) => loadMemory(connection, id)?.siblings ?? []);
        missing += memories.filter((siblings) => siblings.some(({ dot }) => covers(clock, dot))).length;
        return page;
      });
      if (rows.length < PAGE) return missing;
      await this.#yield();
    }
  }

  #read<Result>(work: (connection: Connection) => Result): Promise<Result> {
    return this.#parts.file.readQuietly(work);
  }

  #write<Result>(work: (connection: Connection) => Result): Promise<Result> {
    return this.#parts.file.write(work, 'background');
  }

  #deadline(): number {
    return performance.now() + this.#sizes.milliseconds;
  }

  /** Gives others their turn: searches of this process, and writes of other processes. */
  async #yield(): Promise<void> {
    const { file } = this.#parts;
    await setImmediate();
    for (let pause = 0; pause < MAX_PAUSES && file.calls > this.#seen; pause += 1) {
      this.#seen = file.calls;
      await setTimeout(PAUSE_MS);
    }
    this.#seen = file.calls;
  }
}

function readProgress(connection: Connection): Progress {
  // Only `writeProgress` writes the note.
  const progress = readNote(connection, PROGRESS) as Progress | null;
  return progress ?? { after: '', done: false };
}

function writeProgress(connection: Connection, { after, done }: Progress): void {
  writeNote(connection, PROGRESS, { after, done });
}

/** The last step. */
function complete(connection: Connection): void {
  const merge = readMerge(connection);
  if (merge === null) return;
  saveVersionVector(connection, joinVersionVectors(readVersionVector(connection), merge.clock));
  if (merge.note !== null) writeNote(connection, merge.note.name, merge.note.value);
  forgetMerge(connection);
}

function forgetMerge(connection: Connection): void {
  writeNote(connection, MERGE, null);
  writeNote(connection, PROGRESS, null);
}
