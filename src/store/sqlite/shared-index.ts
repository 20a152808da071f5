import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FaissMemoryError } from '../../errors/faiss-memory-error.ts';
import { StoreBusyError, StoreUnavailableError } from '../../errors/store-errors.ts';
import { settleWithin } from '../../util/concurrency.ts';
import { DATABASE_NAME } from '../memory-store.ts';
import type { Append, SharedLog } from '../shared-log.ts';
import { Connection } from './connection.ts';
import { newMachineId } from './migrations.ts';
import { collectChanges, type StateBefore, stateBefore } from './shared-changes.ts';
import { readPosition, writePosition } from './shared-position.ts';
import { type IndexFile, SharedReader, spaceGone } from './shared-reader.ts';

/** A read waits so long for the log, and then goes on with what is here. */
const READ_WAIT_MS = 2_000;
/** The same while the log does not answer. */
const SICK_WAIT_MS = 50;
/** A write that lost so many races runs alone. */
const RACES = 3;
const RACE_PAUSE_MS = 5;
const WRITE_LIMIT_MS = 50_000;

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
  readonly #reader: SharedReader;
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  #answeredAt: number | null = null;
  #problem: FaissMemoryError | null = null;
  /** True when the problem is nothing but a long wait. */
  #isOnlySlow = false;
  #loaded = false;

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
    this.#reader = new SharedReader({ file, log, now, onDiscard: () => (this.#loaded = false) });
  }

  /** Says to people how old what is here may be; null when the log answered the last question. */
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

  /**
   * Reads newer entries if the log answers soon. Else what is here is read, whatever its age.
   * @throws the log's error when nothing was ever read here
   */
  async refresh(): Promise<void> {
    const asking = this.#catchUp();
    const isWell = this.#problem === null && this.#reader.missing === null;
    const waitMs = isWell ? READ_WAIT_MS : SICK_WAIT_MS;
    try {
      const answered = await settleWithin(
        asking.then(() => true),
        waitMs,
      );
      if (answered !== true && this.#problem === null) {
        this.#problem = this.#slow(waitMs);
        this.#isOnlySlow = true;
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

  /** Runs a write. It is kept here only after the log has taken what it changed. */
  async write<Result>(work: (connection: Connection) => Result): Promise<Result> {
    for (let races = 0; races < RACES; races += 1) {
      await this.#catchUp();
      const value = await this.#attempt(work, this.#log.append.bind(this.#log));
      if (value !== LOST) return value;
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
        const entry = collectChanges(connection, before, position.sequence);
        if (entry === null) return { value, entry };
        const { space } = position;
        writePosition(connection, { space, sequence: entry.after + 1, commit: entry.commit });
        return { value, entry };
      },
      async (done) => {
        if (done === null) return false;
        if (done.entry !== null && !(await append(done.entry))) return false;
        outcome = done.value;
        return true;
      },
    );
    return outcome;
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
        if (error instanceof FaissMemoryError) {
          this.#problem = error;
          this.#isOnlySlow = false;
        }
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
    const head = await this.#log.head();
    const position = await this.#file.look(readPosition);
    this.#reader.note(position);
    const mine = position?.space === this.#log.space ? position : null;
    if (head === null) {
      if (mine !== null) throw spaceGone(this.#file, this.#log);
      await this.#log.create(newMachineId());
    }
    if (head !== null && mine !== null && mine.loading === undefined) {
      if (mine.sequence === head.sequence && mine.commit === head.commit) return;
    }
    // Of another space, or the database was set back, for example from a backup.
    const foreign = position !== null && (mine === null || mine.sequence >= (head?.sequence ?? 0));
    if (foreign && mine?.loading === undefined) await this.#discard();
    if (mine === null && (head?.sequence ?? 0) === 0) this.#checkNoOwnMemories();
    await this.#reader.readAll();
  }

  async #discard(): Promise<void> {
    this.#loaded = false;
    await this.#file.discard();
  }

  /** Memories of this folder must not seem to be lost. */
  #checkNoOwnMemories(): void {
    const path = join(dirname(this.#file.path), DATABASE_NAME);
    if (!existsSync(path) || countMemories(path) === 0) return;
    throw new FaissMemoryError(
      'CONFIGURATION',
      `The space ${this.#log.space} of ${this.#log.location} is empty, and the folder ${dirname(path)} has memories of its own`,
      {
        fix: 'Take them along with `faiss-memory move --to` and the address of the database, or choose another folder with MEMORY_DATA_DIR.',
      },
    );
  }

  #slow(waitedMs: number): StoreUnavailableError {
    return new StoreUnavailableError(
      `The database ${this.#log.location} did not answer within ${waitedMs} ms`,
      {
        retryable: true,
      },
    );
  }
}

function countMemories(path: string): number {
  const connection = new Connection(path);
  try {
    const row = connection.statement('SELECT count(*) AS count FROM memory').get() as
      { count: number } | undefined;
    return row?.count ?? 0;
  } finally {
    connection.close();
  }
}

function isOutage(error: unknown): boolean {
  return error instanceof FaissMemoryError && error.code === 'STORE_UNAVAILABLE' && error.retryable;
}
