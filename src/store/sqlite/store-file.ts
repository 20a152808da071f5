import { type BigIntStats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { StoreDamagedError, StoreUnavailableError } from '../../errors/store-errors.ts';
import { SerialQueue, settleWithin } from '../../util/concurrency.ts';
import { removeUnlessInUse } from '../../util/rename.ts';
import type { SharedLog } from '../shared-log.ts';
import { Connection } from './connection.ts';
import { createDatabase } from './create-database.ts';
import { showOccurrences } from './full-text.ts';
import { APPLICATION_ID, checkVersion, migrate, type Migration, MIGRATIONS, tryLock } from './migrations.ts';
import { type ReadStep, SharedIndex } from './shared-index.ts';
import type { IndexFile } from './shared-reader.ts';
import { isOnReadOnlyDisk, isUnchanged, openOnReadOnlyDisk, stateOfFiles } from './read-only-disk.ts';
import {
  checkWritable,
  isBusy,
  LogGone,
  logGone,
  moved,
  noLocks,
  notAFile,
  toStoreError,
} from './sqlite-errors.ts';

export interface StoreFileSettings {
  /** Absolute path of the database. */
  readonly path: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Default: the released migrations. Only tests give others. */
  readonly migrations?: readonly Migration[];
  /** The database is there, and is not made anew when it is gone. Default false. */
  readonly mustExist?: boolean;
  /** Total time that a call waits for locks of other processes. Default 50 s. */
  readonly busyLimitMs?: number;
  /** The log that this file is an index of. Absent = the file itself is the truth. */
  readonly log?: SharedLog | undefined;
}

/** Shorter than the 60 s limit of HTTP requests, because this error says more than that one. */
const BUSY_LIMIT_MS = 50_000;
const PAUSE_MS = 5;
/** A read waits so long for a write that waits for the log. */
const HELD_WAIT_MS = 1_000;
/** After waiting this long for a lock, a call checks whether the file system supports locks at all. */
const LOCK_DOUBT_MS = 1_000;

/** A connection and the identity of its file. */
interface OpenFile {
  readonly connection: Connection;
  readonly file: BigIntStats;
  /** The write-ahead log, which stays as long as the connection is open. */
  readonly log?: BigIntStats | undefined;
  /** Only on a read-only disk: the state of the files that was opened. */
  readonly still?: string;
}

/**
 * One database file. It is opened on first use, and again after an error. Calls wait for transactions of other
 * processes without blocking this thread for long; after the limit they reject with `StoreBusyError`. All errors are
 * the product's own.
 */
export class StoreFile implements IndexFile {
  readonly path: string;
  readonly #now: () => number;
  readonly #migrations: readonly Migration[];
  readonly #busyLimitMs: number;
  #open: OpenFile | null = null;
  /** True once the file was open. When it disappears later, for example with an unmounted disk, no new store is made. */
  #wasThere: boolean;
  /** True when no new calls are taken. */
  #closed = false;
  /** True when the calls that were taken have ended too. */
  #ended = false;
  #calls = 0;
  /** Writes of this process run in the order of their calls. */
  readonly #writes = new SerialQueue();

  /** Null when the file itself is the truth. */
  readonly shared: SharedIndex | null;
  /** Resolves when the write transaction that is open has ended; null = none is. */
  #held: Promise<void> | null = null;

  constructor(settings: StoreFileSettings) {
    const { path, now, log } = settings;
    this.path = path;
    this.shared = log === undefined ? null : new SharedIndex({ file: this, log, now });
    this.#now = now;
    this.#migrations = settings.migrations ?? MIGRATIONS;
    this.#busyLimitMs = settings.busyLimitMs ?? BUSY_LIMIT_MS;
    this.#wasThere = settings.mustExist ?? false;
  }

  get exists(): boolean {
    return !isMissing(this.path);
  }

  /** Number of reads and writes that were requested, without those of background work. */
  get calls(): number {
    return this.#calls;
  }

  /**
   * Runs the work on one consistent state, which has all that was stored before the call.
   * @param work `age` says that it may lack newer entries of the log; null otherwise
   */
  read<Result>(work: (connection: Connection, age: string | null) => Result): Promise<Result> {
    return this.readInSteps((connection, age) => ({ result: work(connection, age) }));
  }

  /** The same for work that is called again while it returns null. Other calls have their turn meanwhile. */
  async readInSteps<Result>(step: ReadStep<Result>): Promise<Result> {
    if (this.#closed) throw this.#closedError();
    this.#calls += 1;
    if (this.shared !== null) return this.shared.read(step);
    for (;;) {
      const done = await this.look((connection) => step(connection, null));
      if (done !== null) return done.result;
      await nextTurn();
    }
  }

  /** For background work: neither counts as a call nor asks the log. */
  readQuietly<Result>(work: (connection: Connection) => Result): Promise<Result> {
    return this.#closed ? Promise.reject(this.#closedError()) : this.look(work);
  }

  /** Like `read`, but never on an index that is still being filled: for answers that others rely on. */
  readWhole<Result>(work: (connection: Connection) => Result): Promise<Result> {
    if (this.shared === null) return this.read(work);
    return this.#closed ? Promise.reject(this.#closedError()) : this.shared.readWhole(work);
  }

  async look<Result>(work: (connection: Connection) => Result): Promise<Result> {
    const free = this.#held?.then(() => true) ?? true;
    if (free !== true && (await settleWithin(free, HELD_WAIT_MS)) === undefined) return this.#lookAside(work);
    return this.#retrying(() => {
      if (this.#ended) throw this.#closedError();
      const { connection } = this.#usable();
      return connection.transaction('DEFERRED', () => {
        checkVersion(connection, this.#migrations);
        return work(connection);
      });
    });
  }

  /** On a connection of its own, while the usual one waits for a log that does not answer. */
  #lookAside<Result>(work: (connection: Connection) => Result): Result {
    try {
      const { connection } = openFile(this.path, this.#migrations, this.#now());
      try {
        return connection.transaction('DEFERRED', () => work(connection));
      } finally {
        connection.close();
      }
    } catch (error) {
      throw toStoreError(error, this.path, HELD_WAIT_MS);
    }
  }

  /**
   * Runs the work as one write transaction, durable when the promise resolves. The work runs again when another process
   * holds a lock, so it must have no effect outside the database.
   * @param origin `local` is background work on what only this file has, which the log needs not know
   */
  write<Result>(work: (connection: Connection) => Result, origin?: 'background' | 'local'): Promise<Result> {
    if (origin === undefined) this.#calls += 1;
    if (this.#closed) return Promise.reject(this.#closedError());
    const requestedAt = performance.now();
    return this.#writes.run(() =>
      this.shared === null || origin === 'local' ? this.apply(work) : this.shared.write(work, requestedAt),
    );
  }

  apply<Result>(work: (connection: Connection) => Result): Promise<Result> {
    return this.#retrying(() => {
      const open = this.#usable();
      if (open.still !== undefined) checkWritable(this.path);
      return open.connection.transaction('IMMEDIATE', () => {
        checkVersion(open.connection, this.#migrations);
        const value = work(open.connection);
        this.#checkSameFile(open);
        return value;
      });
    });
  }

  /** Reads of this file wait meanwhile for a moment, because they share the connection. */
  async hold<Result>(
    work: (connection: Connection) => Result,
    decide: (result: Result) => Promise<boolean>,
  ): Promise<void> {
    let release = (): void => undefined;
    const { open, result } = await this.#retrying(() => {
      const file = this.#usable();
      const begun = file.connection.beginWith(() => {
        checkVersion(file.connection, this.#migrations);
        return work(file.connection);
      });
      this.#held = new Promise((resolve) => (release = resolve));
      return { open: file, result: begun };
    });
    let keep = false;
    try {
      keep = await decide(result);
    } finally {
      this.#held = null;
      this.#endWrite(open, keep);
      release();
    }
  }

  /** A kept write is in the log already, from which a file that fails now reads it later. */
  #endWrite({ connection }: OpenFile, keep: boolean): void {
    try {
      if (keep) connection.exec('COMMIT');
      else connection.rollBack();
    } catch {
      this.#forget();
    }
  }

  async discard(): Promise<void> {
    await this.#idle();
    this.#forget();
    this.#removeFiles();
  }

  #removeFiles(): void {
    for (const suffix of ['', '-wal', '-shm']) removeUnlessInUse(this.path + suffix);
  }

  async #idle(): Promise<void> {
    while (this.#held !== null) await this.#held;
  }

  /**
   * Moves the write-ahead log into the database file, as far as other processes allow. Ignores failures, because SQLite
   * does the same later by itself.
   */
  truncateLog(): void {
    try {
      if (this.#open?.still === undefined) this.#open?.connection.emptyLog();
    } catch (error) {
      if (!isBusy(error)) this.#forget();
    }
  }

  /** Finishes the writes that were requested; later calls are refused. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#writes.idle();
    await this.#idle();
    this.#ended = true;
    await this.shared?.close();
    this.truncateLog();
    this.#forget();
  }

  async #retrying<Result>(attempt: () => Result): Promise<Result> {
    const start = performance.now();
    let sureOfLocks = false;
    for (;;) {
      if (this.#held !== null) await this.#idle();
      try {
        return attempt();
      } catch (error) {
        const waitedMs = Math.round(performance.now() - start);
        if (isBusy(error) && waitedMs < this.#busyLimitMs) {
          if (!sureOfLocks && waitedMs >= LOCK_DOUBT_MS) {
            this.#checkLocks();
            sureOfLocks = true;
          }
          await delay(Math.random() * PAUSE_MS);
          continue;
        }
        if (this.#isThrownAway() && waitedMs < this.#busyLimitMs) {
          this.#makeAnew();
          continue;
        }
        if (error instanceof LogGone) throw this.#saveLog();
        const storeError = toStoreError(error, this.path, waitedMs);
        if (storeError.code.startsWith('STORE_')) this.#forget();
        throw storeError;
      }
    }
  }

  #checkLocks(): void {
    try {
      tryLock(dirname(this.path));
    } catch (error) {
      if (!isBusy(error)) return;
      this.#forget();
      throw noLocks(this.path, error);
    }
  }

  /** Saves the content that only this connection can still read. The next call opens the file again. */
  #saveLog(): StoreUnavailableError {
    let saved: boolean;
    try {
      saved = this.#open?.connection.emptyLog() ?? true;
    } catch {
      saved = false;
    }
    if (saved) this.#forget();
    return logGone(this.path, saved);
  }

  #usable(): OpenFile {
    const still = this.#open?.still;
    if (still !== undefined && !isUnchanged(this.path, still)) this.#forget();
    if (this.#open !== null) {
      this.#checkSameFile(this.#open);
      return this.#open;
    }
    if (isMissing(this.path)) {
      if (this.shared === null && this.#wasThere) throw moved(this.path);
      createDatabase(this.path, this.#migrations);
    }
    this.#open = openFile(this.path, this.#migrations, this.#now());
    this.#wasThere = true;
    return this.#open;
  }

  #closedError(): StoreUnavailableError {
    return new StoreUnavailableError(`The memory store ${this.path} is closed`);
  }

  /** Refuses a file that was deleted or replaced: SQLite would go on writing to the old one, and those writes are lost. */
  #checkSameFile({ file, log }: OpenFile): void {
    if (!isSame(this.path, file)) throw moved(this.path);
    if (log !== undefined && !isSame(`${this.path}-wal`, log)) throw new LogGone();
  }

  /** True when another thread or process removed the index, or a part of it. */
  #isThrownAway(): boolean {
    if (this.shared === null || this.#open === null) return false;
    const { file, log } = this.#open;
    return !isSame(this.path, file) || (log !== undefined && !isSame(`${this.path}-wal`, log));
  }

  #makeAnew(): void {
    const isHere = this.#open !== null && isSame(this.path, this.#open.file);
    this.#forget();
    // Without its log, the rest of an index is of no use.
    if (isHere) this.#removeFiles();
  }

  #forget(): void {
    const open = this.#open;
    this.#open = null;
    try {
      open?.connection.close();
    } catch {
      // A connection that has failed may fail to close; the next call opens a new one.
    }
  }
}

function isSame(path: string, { ino, dev }: BigIntStats): boolean {
  const now = statSync(path, { bigint: true, throwIfNoEntry: false });
  return now?.ino === ino && now.dev === dev;
}

function isMissing(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) === undefined;
}

function openFile(path: string, migrations: readonly Migration[], now: number): OpenFile {
  const file = statSync(path, { bigint: true });
  if (file.isDirectory()) throw notAFile(path);
  if (file.size === 0n) throw new StoreDamagedError(path, 'is empty (0 bytes)');
  if (isOnReadOnlyDisk(path)) {
    const still = stateOfFiles(path);
    return { connection: openOnReadOnlyDisk(path, migrations), file, still };
  }
  const connection = new Connection(path);
  try {
    checkVersion(connection, migrations);
    if (connection.integerPragma('application_id') !== APPLICATION_ID) {
      throw new StoreDamagedError(path, 'is an SQLite database of another program');
    }
    connection.exec('PRAGMA journal_mode = WAL');
    migrate(connection, migrations, now);
    showOccurrences(connection);
    const log = statSync(`${path}-wal`, { bigint: true, throwIfNoEntry: false });
    return { connection, file, log };
  } catch (error) {
    connection.close();
    throw error;
  }
}
