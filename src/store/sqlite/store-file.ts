import { statSync, type BigIntStats } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { StoreDamagedError, StoreUnavailableError } from '../../errors/store-errors.ts';
import { SerialQueue } from '../../util/concurrency.ts';
import { Connection } from './connection.ts';
import { createDatabase } from './create-database.ts';
import { checkVersion, migrate } from './migrate.ts';
import { MIGRATIONS, type Migration } from './migrations.ts';
import { APPLICATION_ID } from './schema.ts';
import { tryLock } from './process-lock.ts';
import { isBusy, moved, noLocks, notAFile, toStoreError } from './sqlite-errors.ts';

export interface StoreFileSettings {
  /** Absolute path of the database. */
  readonly path: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Only tests give another list than the released one. */
  readonly migrations?: readonly Migration[];
  /** How long a call waits for locks of other processes in all. Default 50 s. */
  readonly busyLimitMs?: number;
}

/** Less than the minute after which HTTP answers in any case: this error says more. */
const BUSY_LIMIT_MS = 50_000;
const PAUSE_MS = 5;
/** A lock that is held for longer makes it worth asking whether locks work at all in this folder. */
const LOCK_DOUBT_MS = 1_000;

/** A connection and the identity of the file it has open. */
interface OpenFile {
  readonly connection: Connection;
  readonly file: BigIntStats;
}

/**
 * One database file: opened on first use, opened again after an error or when the file was exchanged.
 * Transactions of other processes are waited for, without blocking this thread for long, so that no lock
 * error reaches a user. All errors leave as the product's own.
 */
export class StoreFile {
  readonly #path: string;
  readonly #now: () => number;
  readonly #migrations: readonly Migration[];
  readonly #busyLimitMs: number;
  #open: OpenFile | null = null;
  /** A file that was there and is gone, with an unmounted disk for example, must not become an empty store. */
  #wasThere = false;
  #closed = false;
  /** Writes of one process run in the order in which they were asked for. */
  readonly #writes = new SerialQueue();

  constructor({ path, now, migrations = MIGRATIONS, busyLimitMs = BUSY_LIMIT_MS }: StoreFileSettings) {
    this.#path = path;
    this.#now = now;
    this.#migrations = migrations;
    this.#busyLimitMs = busyLimitMs;
  }

  /** Runs the work on one consistent state. */
  read<Result>(work: (connection: Connection) => Result): Promise<Result> {
    return this.#retrying(() => {
      if (this.#closed) throw this.#closedError();
      const { connection } = this.#usable();
      return connection.transaction('DEFERRED', () => {
        checkVersion(connection, this.#migrations);
        return work(connection);
      });
    });
  }

  /**
   * Runs the work as one write transaction, durable when the promise resolves. The work may run again when
   * another process was in the way, so it must have no effect outside the database.
   */
  write<Result>(work: (connection: Connection) => Result): Promise<Result> {
    if (this.#closed) return Promise.reject(this.#closedError());
    return this.#writes.run(() =>
      this.#retrying(() => {
        const open = this.#usable();
        return open.connection.transaction('IMMEDIATE', () => {
          checkVersion(open.connection, this.#migrations);
          const value = work(open.connection);
          this.#checkSameFile(open);
          return value;
        });
      }),
    );
  }

  /**
   * Moves everything from the write-ahead log into the database file, as far as other processes let it. Fails
   * silently: SQLite does the same in its own time.
   */
  truncateLog(): void {
    try {
      this.#open?.connection.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch (error) {
      if (!isBusy(error)) this.#forget();
    }
  }

  /** Finishes the writes asked for so far; every later call is refused. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#writes.idle();
    this.truncateLog();
    this.#forget();
  }

  async #retrying<Result>(attempt: () => Result): Promise<Result> {
    const start = performance.now();
    let sureOfLocks = false;
    for (;;) {
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
        const storeError = toStoreError(error, this.#path, waitedMs);
        if (storeError.code.startsWith('STORE_')) this.#forget();
        throw storeError;
      }
    }
  }

  #checkLocks(): void {
    try {
      tryLock(dirname(this.#path));
    } catch (error) {
      if (!isBusy(error)) return;
      this.#forget();
      throw noLocks(this.#path, error);
    }
  }

  #usable(): OpenFile {
    if (this.#open !== null) {
      this.#checkSameFile(this.#open);
      return this.#open;
    }
    if (this.#wasThere && isMissing(this.#path)) throw moved(this.#path);
    this.#open = openFile(this.#path, this.#migrations, this.#now());
    this.#wasThere = true;
    return this.#open;
  }

  #closedError(): StoreUnavailableError {
    return new StoreUnavailableError(`The memory store ${this.#path} is closed`);
  }

  /** SQLite would go on writing to a deleted file, and what it acknowledges then would be lost. */
  #checkSameFile({ file }: OpenFile): void {
    const now = statSync(this.#path, { bigint: true, throwIfNoEntry: false });
    if (now?.ino !== file.ino || now.dev !== file.dev) throw moved(this.#path);
  }

  #forget(): void {
    const open = this.#open;
    this.#open = null;
    try {
      open?.connection.close();
    } catch {
      // A connection that failed may fail to close; the next use opens a new one.
    }
  }
}

function isMissing(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) === undefined;
}

function openFile(path: string, migrations: readonly Migration[], now: number): OpenFile {
  if (isMissing(path)) createDatabase(path, migrations);
  const file = statSync(path, { bigint: true });
  if (file.isDirectory()) throw notAFile(path);
  if (file.size === 0n) throw new StoreDamagedError(path, 'is empty (0 bytes)');
  const connection = new Connection(path);
  try {
    checkVersion(connection, migrations);
    if (connection.integerPragma('application_id') !== APPLICATION_ID) {
      throw new StoreDamagedError(path, 'is an SQLite database of another program');
    }
    connection.exec('PRAGMA journal_mode = WAL');
    migrate(connection, migrations, now);
    return { connection, file };
  } catch (error) {
    connection.close();
    throw error;
  }
}
