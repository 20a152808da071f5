import { setTimeout as delay } from 'node:timers/promises';
import { FaissMemoryError } from '../../errors/faiss-memory-error.ts';
import { StoreBusyError } from '../../errors/store-errors.ts';
import { settleWithin } from '../../util/concurrency.ts';
import type { SharedState } from '../memory-store.ts';
import type { Append, SharedLog } from '../shared-log.ts';
import type { Connection } from './connection.ts';
import { newMachineId } from './migrations.ts';
import { behind, checkNoOwnMemories, isOutage, slow, spaceGone } from './shared-problems.ts';
import { collectChanges, type StateBefore, stateBefore } from './shared-changes.ts';
import { readPosition, writePosition } from './shared-position.ts';
import { type IndexFile, SharedReader } from './shared-reader.ts';

/** A read waits so long for the log, and then goes on with the entries that are here. */
const READ_WAIT_MS = 2_000;
/** The same while the log does not answer. */
const SICK_WAIT_MS = 50;
/** A write that lost so many races runs alone. */
const RACES = 3;
const RACE_PAUSE_MS = 5;
const WRITE_LIMIT_MS = 50_000;
/** The clock of this machine is taken for right when it differs less from that of the log. */
const CLOCK_TOLERANCE_MS = 1_000;

/** Said while a file is filled. */
const FIRST_READING = {
  memories:
    'This server is still reading the shared database: memories that it has not read yet are missing here.',
  vectors:
    'This server is still reading the shared database: all memories are found by their words, and by their meaning in a moment.',
} as const;

const LOST = Symbol('another store was faster');

/**
 * A file that is an index of a shared log: it can be lost and is read from the log again. Before each read it asks the
 * log for newer entries; each write is kept only after the log has it.
 */
export class SharedIndex {
  readonly #file: IndexFile;
  readonly #log: SharedLog;
  readonly #now: () => number;
  readonly #reader: SharedReader;
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  #answeredAt: number | null = null;
  #problem: FaissMemoryError | null = null;
  /** True when the problem is nothing but a long wait. */
  #isOnlySlow = false;
  #failedAt = -Infinity;
  #loaded = false;
  #offsetMs = 0;
  /** Number of the newest entry that is known of. */
  #newest = 0;
  #writes = 0;
  #lostRaces = 0;

  constructor({
    file,
    log,
    now,
  }: {
    readonly file: IndexFile;
    readonly log: SharedLog;
    readonly now: () => number;
  }) {
    this.#file = file;
    this.#log = log;
    this.#now = now;
    this.#reader = new SharedReader({ file, log, now, onDiscard: () => (this.#loaded = false) });
  }

  /** Milliseconds since the epoch by the clock of the log, so that all servers date memories alike. */
  now(): number {
    return this.#now() + this.#offsetMs;
  }

  /** The possible age of the index, as a sentence for people; null when the log answered the last question. */
  get staleness(): string | null {
    const { missing } = this.#reader;
    const parts = [
      ...(missing === null ? [] : [FIRST_READING[missing]]),
      ...(this.#problem === null || (missing !== null && this.#isOnlySlow) ? [] : [this.#silence()]),
    ];
    return parts.length === 0 ? null : parts.join(' ');
  }

  #silence(): string {
    const seconds =
      this.#answeredAt === null ? null : Math.round((performance.now() - this.#answeredAt) / 1_000);
    const since =
      seconds === null ? 'has not answered since this program started' : `last answered ${seconds} s ago`;
    return `The shared database ${since}: memories that were written elsewhere since then are missing here.`;
  }

  /** For those who watch over the program. @param connection to the file */
  stateAt(connection: Connection): SharedState {
    const position = readPosition(connection);
    const answeredAt = this.#answeredAt;
    return {
      ...this.#log.connections,
      answers: this.#problem === null,
      secondsSinceAnswer: answeredAt === null ? null : (performance.now() - answeredAt) / 1_000,
      lag: Math.max(0, this.#newest - (position?.sequence ?? 0)),
      loading: position === null || position.loading !== undefined,
      writes: this.#writes,
      lostRaces: this.#lostRaces,
    };
  }

  /**
   * Reads newer entries if the log answers soon. Else the entries that are here are read, whatever their age.
   * @throws the log's error when nothing was ever read here
   */
  async refresh(): Promise<void> {
    const asking = this.#catchUp();
    const isWell = this.#problem === null && this.#reader.missing === null && !this.#log.isSilent;
    const waitMs = isWell ? READ_WAIT_MS : SICK_WAIT_MS;
    try {
      const answered = await settleWithin(
        asking.then(() => true),
        waitMs,
      );
      if (answered !== true && this.#problem === null) {
        this.#problem = slow(this.#log, waitMs);
        this.#isOnlySlow = true;
        this.#log.noteSilence();
      }
    } catch (error) {
      if (!isOutage(error) || !(await this.#hasLoaded())) throw error;
    }
    if (!(await this.#hasLoaded())) await asking;
  }

  /**
   * Reads all newer entries, however long it takes.
   * @throws the log's error when it cannot be reached and not all of it was ever here
   */
  async refreshWhole(): Promise<void> {
    try {
      await this.#catchUp();
    } catch (error) {
      const position = await this.#file.look(readPosition);
      if (!isOutage(error) || position === null || position.loading !== undefined) throw error;
    }
  }

  /**
   * Runs a write. It is kept here only after the log has taken its changes.
   * @param requestedAt by `performance.now()`: the write fails if the log failed since then
   */
  async write<Result>(
    work: (connection: Connection) => Result,
    requestedAt = performance.now(),
  ): Promise<Result> {
    // Writes that waited for one that the log did not answer would wait as long as that one, one after the other.
    if (this.#problem !== null && this.#failedAt >= requestedAt) throw this.#problem;
    this.#writes += 1;
    try {
      return await this.#write(work);
    } finally {
      this.#writes -= 1;
    }
  }

  async #write<Result>(work: (connection: Connection) => Result): Promise<Result> {
    for (let races = 0; races < RACES; races += 1) {
      await this.#catchUp();
      const value = await this.#attempt(work, this.#log.append.bind(this.#log));
      if (value !== LOST) return value;
      this.#lostRaces += 1;
      await delay(Math.random() * RACE_PAUSE_MS * (races + 1));
    }
    for (const end = performance.now() + WRITE_LIMIT_MS; performance.now() < end;) {
      const value = await this.#log.exclusively(async (append) => {
        await this.#catchUp();
        return this.#attempt(work, append);
      });
      // Another process was writing to this file.
      if (value !== LOST) return value;
    }
    throw new StoreBusyError(this.#file.path, WRITE_LIMIT_MS);
  }

  lease(name: string, holder: string, milliseconds: number): Promise<boolean> {
    return this.#log.lease(name, holder, milliseconds);
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  async #attempt<Result>(
    work: (connection: Connection) => Result,
    append: Append,
  ): Promise<Result | typeof LOST> {
    let outcome: Result | typeof LOST = LOST;
    const change = (connection: Connection): { readonly value: Result; readonly before: StateBefore } => {
      const before = stateBefore(connection);
      return { value: work(connection), before };
    };
    await this.#file.hold(
      (connection) => {
        const position = readPosition(connection);
        if (position?.loading !== undefined || position === null) return null;
        const { value, before } = change(connection);
        const entry = collectChanges(connection, before, position);
        if (entry === null) return { value, entry };
        const { space } = position;
        writePosition(connection, { space, sequence: entry.after + 1, commit: entry.commit });
        return { value, entry };
      },
      async (done) => {
        if (done === null) return false;
        if (done.entry !== null && !(await this.#noting(append(done.entry)))) return false;
        outcome = done.value;
        return true;
      },
    );
    return outcome;
  }

  async #noting<Result>(appending: Promise<Result>): Promise<Result> {
    try {
      return await appending;
    } catch (error) {
      if (isOutage(error)) this.#noteFailure(error);
      throw error;
    }
  }

  #noteFailure(error: unknown): void {
    if (!(error instanceof FaissMemoryError)) return;
    this.#problem = error;
    this.#isOnlySlow = false;
    this.#failedAt = performance.now();
  }

  async #hasLoaded(): Promise<boolean> {
    this.#loaded ||= (await this.#file.look(readPosition)) !== null;
    return this.#loaded;
  }

  /** Callers that come while the log is being asked share the next question, which sees all that was stored before. */
  #catchUp(): Promise<void> {
    if (this.#running === null) return this.#start();
    this.#next ??= this.#running.then(
      () => this.#start(),
      () => this.#start(),
    );
    return this.#next;
  }

  #start(): Promise<void> {
    this.#next = null;
    const asking = this.#readNew().then(
      () => {
        this.#answeredAt = performance.now();
        this.#problem = null;
      },
      (error: unknown) => {
        this.#noteFailure(error);
        throw error;
      },
    );
    this.#running = asking.finally(() => {
      if (this.#running === settled) this.#running = null;
    });
    const settled = this.#running;
    return settled;
  }

  async #readNew(): Promise<void> {
    // Before the log is asked, because another thread may read newer entries meanwhile.
    const position = await this.#file.look(readPosition);
    this.#reader.note(position);
    // Another thread or process may have thrown the file away.
    if (position === null) this.#loaded = false;
    const asked = performance.now();
    const { head, isCopy, time } = await this.#log.head();
    this.#compareClocks(time, performance.now() - asked);
    this.#newest = head?.sequence ?? 0;
    const mine = position?.space === this.#log.space ? position : null;
    if (head === null) {
      if (mine !== null) throw isCopy ? behind(this.#log) : spaceGone(this.#log, this.#file.path);
      await this.#log.create(newMachineId());
    }
    if (head !== null && mine !== null && mine.loading === undefined) {
      if (mine.sequence === head.sequence && mine.commit === head.commit) return;
    }
    // Of another space, or the database was set back, for example from a backup.
    const foreign = position !== null && (mine === null || mine.sequence >= (head?.sequence ?? 0));
    if (foreign && mine !== null && isCopy) throw behind(this.#log);
    if (foreign && mine?.loading === undefined) await this.#discard();
    if (mine === null && (head?.sequence ?? 0) === 0) checkNoOwnMemories(this.#file.path, this.#log);
    await this.#reader.readAll();
  }

  /** @param tookMs time that the question took: the clock of the log was read somewhere in it */
  #compareClocks(time: number, tookMs: number): void {
    const offset = time + tookMs / 2 - this.#now();
    this.#offsetMs = Math.abs(offset) < CLOCK_TOLERANCE_MS + tookMs ? 0 : Math.round(offset);
  }

  async #discard(): Promise<void> {
    this.#loaded = false;
    await this.#file.discard();
  }
}
