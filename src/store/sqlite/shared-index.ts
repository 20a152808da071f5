import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { StoreBusyError } from '../../errors/store-errors.ts';
import { settleWithin } from '../../util/concurrency.ts';
import type { SharedState } from '../memory-store.ts';
import type { Append, SharedLog } from '../shared-log.ts';
import type { Connection } from './connection.ts';
import { newMachineId } from './migrations.ts';
import { behind, checkNoOwnMemories, isOutage, slow, spaceGone, thrownAway } from './shared-problems.ts';
import { collectChanges, type StateBefore, stateBefore } from './shared-changes.ts';
import { LogHealth } from './shared-health.ts';
import { type Position, readPosition, writePosition } from './shared-position.ts';
import { type IndexFile, SharedReader } from './shared-reader.ts';

/** A read waits so long for the log, and then goes on with the entries that are here. */
const READ_WAIT_MS = 2_000;
/** The same while the log does not answer. */
const SICK_WAIT_MS = 50;
/** A write that lost so many races runs alone. */
const RACES = 3;
const RACE_PAUSE_MS = 5;
const WRITE_LIMIT_MS = 50_000;
/** A read begins again so often when others throw its file away. */
const READ_TRIES = 20;
/** The clock of this machine is taken for right when it differs less from that of the log. */
const CLOCK_TOLERANCE_MS = 1_000;

/** @returns null: it is called again in a moment */
export type ReadStep<Result> = (
  connection: Connection,
  age: string | null,
) => { readonly result: Result } | null;

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
  readonly #health = new LogHealth();
  #running: Promise<number> | null = null;
  #next: Promise<number> | null = null;
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
    this.#reader = new SharedReader({ file, log, now });
  }

  /** Milliseconds since the epoch by the clock of the log, so that all servers date memories alike. */
  now(): number {
    return this.#now() + this.#offsetMs;
  }

  /** For those who watch over the program. @param connection to the file */
  stateAt(connection: Connection): SharedState {
    const position = readPosition(connection);
    return {
      ...this.#log.connections,
      ...this.#health.state,
      lag: Math.max(0, this.#newest - (position?.sequence ?? 0)),
      loading: position === null || position.loading !== undefined,
      writes: this.#writes,
      lostRaces: this.#lostRaces,
    };
  }

  /**
   * Reads a state that has all that was in the log at the time of the call. When the log does not answer soon, the
   * entries that are here are read, and `age` says so.
   * @param step of the work, see `StoreFile.readInSteps`
   * @throws the log's error when it cannot be reached and there is nothing here to read
   */
  read<Result>(step: ReadStep<Result>): Promise<Result> {
    return this.#read(step, (asking) => this.#soon(asking));
  }

  /**
   * The same, which waits for the log however long it takes, and never reads a file that is being filled.
   * @throws the log's error also when not all of it was ever here
   */
  readWhole<Result>(work: (connection: Connection) => Result): Promise<Result> {
    const step: ReadStep<Result> = (connection) => ({ result: work(connection) });
    return this.#read(step, reachedUnlessOutage, ({ loading }) => loading === undefined);
  }

  /** @param wait gives the number of the entry that the file has reached; null = not known, because the log does not answer */
  async #read<Result>(
    step: ReadStep<Result>,
    wait: (asking: Promise<number>) => Promise<number | null>,
    suits: (position: Position) => boolean = () => true,
  ): Promise<Result> {
    let asking = this.#catchUp();
    let reached = await wait(asking);
    const isThere = (position: Position | null): boolean =>
      position?.space === this.#log.space && position.sequence >= (reached ?? 0) && suits(position);
    for (let tries = 0; tries < READ_TRIES;) {
      const read = await this.#file.look((connection) => {
        // Another thread or process may have thrown the file away since the log was asked.
        const position = readPosition(connection);
        if (!isThere(position)) return 'elsewhere';
        return step(connection, reached === null ? this.#health.ageOf(position) : null);
      });
      if (read === null) {
        await nextTurn();
        continue;
      }
      if (read !== 'elsewhere') return read.result;
      tries += 1;
      if (reached === null) reached = await asking;
      else {
        asking = this.#catchUp();
        reached = await wait(asking);
      }
    }
    throw thrownAway(this.#file.path);
  }

  /** @returns null when the log does not answer soon */
  async #soon(asking: Promise<number>): Promise<number | null> {
    const isWell = this.#health.isWell && this.#reader.missing === null && !this.#log.isSilent;
    const waitMs = isWell ? READ_WAIT_MS : SICK_WAIT_MS;
    const answer = await settleWithin(reachedUnlessOutage(asking), waitMs);
    if (answer !== undefined) return answer;
    if (this.#health.isWell) {
      this.#health.noteSlowness(slow(this.#log, waitMs));
      this.#log.noteSilence();
    }
    return null;
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
    this.#health.checkNoFailureSince(requestedAt);
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
      if (isOutage(error)) this.#health.noteFailure(error);
      throw error;
    }
  }

  /**
   * Callers that come while the log is being asked share the next question, which sees all that was stored before.
   * @returns number of the newest entry of the log, which the file has then
   */
  #catchUp(): Promise<number> {
    if (this.#running === null) return this.#start();
    this.#next ??= this.#running.then(
      () => this.#start(),
      () => this.#start(),
    );
    return this.#next;
  }

  #start(): Promise<number> {
    this.#next = null;
    const asking = this.#readNew().then(
      (sequence) => {
        this.#health.noteAnswer();
        return sequence;
      },
      (error: unknown) => {
        this.#health.noteFailure(error);
        throw error;
      },
    );
    this.#running = asking.finally(() => {
      if (this.#running === settled) this.#running = null;
    });
    const settled = this.#running;
    return settled;
  }

  async #readNew(): Promise<number> {
    // Before the log is asked, because another thread may read newer entries meanwhile.
    const position = await this.#file.look(readPosition);
    this.#reader.note(position);
    const asked = performance.now();
    const { head, isCopy, time } = await this.#log.head();
    this.#compareClocks(time, performance.now() - asked);
    const newest = head?.sequence ?? 0;
    this.#newest = newest;
    const mine = position?.space === this.#log.space ? position : null;
    if (head === null) {
      if (mine !== null) throw isCopy ? behind(this.#log) : spaceGone(this.#log, this.#file.path);
      await this.#log.create(newMachineId());
    }
    if (head !== null && mine !== null && mine.loading === undefined) {
      if (mine.sequence === newest && mine.commit === head.commit) return newest;
    }
    // Of another space, or the database was set back, for example from a backup.
    const foreign = position !== null && (mine === null || mine.sequence >= newest);
    if (foreign && mine !== null && isCopy) throw behind(this.#log);
    if (foreign && mine?.loading === undefined) await this.#file.discard();
    if (mine === null && newest === 0) checkNoOwnMemories(this.#file.path, this.#log);
    await this.#reader.readAll();
    return newest;
  }

  /** @param tookMs time that the question took: the clock of the log was read somewhere in it */
  #compareClocks(time: number, tookMs: number): void {
    const offset = time + tookMs / 2 - this.#now();
    this.#offsetMs = Math.abs(offset) < CLOCK_TOLERANCE_MS + tookMs ? 0 : Math.round(offset);
  }
}

/** @returns null when the log cannot be reached */
function reachedUnlessOutage(asking: Promise<number>): Promise<number | null> {
  return asking.catch((error: unknown) => {
    if (isOutage(error)) return null;
    throw error;
  });
}
