import { closeSync, existsSync, openSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { WorkLock } from '../../backup/ports.ts';
import { BackupBusyError } from '../../errors/backup-errors.ts';
import { createFolders } from '../../util/durable-file.ts';
import { openDatabase } from './engine.ts';
import { isBusy, noLocks, toStoreError } from './sqlite-errors.ts';

const NAME = 'backup.lock';
const PAUSE_MS = 100;
/** Begins the names of folders for restore drills. */
export const DRILL_PREFIX = 'drill-';
/** Used only by the process that has the work lock. */
const WORKING_FILES = new RegExp(`^(?:staging\\.sqlite(?:-journal|-wal|-shm)?|${DRILL_PREFIX}.+)$`);
/** Drafts of a database and trials of locks: used for moments, by any process. */
const SHORT_LIVED = /^(?:memory\.sqlite\.new|\.lock)-[0-9a-f]+(?:-journal)?$/;
const SHORT_LIFE_MS = 3_600_000;

/**
 * The databases whose locks are held. Work that never ends is garbage for the engine of Node.js, which would close
 * the database and so drop the lock.
 */
const held = new Set<ReturnType<typeof openDatabase>>();

/**
 * Removes files that killed processes left in the data folder, because they hold memories that may have been erased since.
 * While another process works on the backups, it is left for the next time.
 */
export async function removeLeftovers(
  dataDir: string,
  { lock, finishMerge }: { readonly lock: WorkLock; readonly finishMerge: () => Promise<void> },
): Promise<void> {
  const names = existsSync(dataDir) ? readdirSync(dataDir) : [];
  for (const name of names) if (SHORT_LIVED.test(name)) removeOld(join(dataDir, name));
  if (!names.some((name) => WORKING_FILES.test(name))) return;
  const remove = async (): Promise<void> => {
    // It may need the staging file.
    await finishMerge();
    // Looked up again, because only now no process makes new ones.
    for (const name of readdirSync(dataDir)) {
      if (WORKING_FILES.test(name)) rmSync(join(dataDir, name), { recursive: true, force: true });
    }
  };
  try {
    await lock.run(remove, 0);
  } catch (error) {
    if (!(error instanceof BackupBusyError)) throw error;
  }
}

function removeOld(path: string): void {
  const { mtimeMs = Infinity } = statSync(path, { throwIfNoEntry: false }) ?? {};
  if (Date.now() - mtimeMs > SHORT_LIFE_MS) rmSync(path, { force: true });
}

/**
 * A lock that is an exclusive transaction on a small database in the data folder, so it ends with its process, even
 * after a crash.
 */
export class SqliteWorkLock implements WorkLock {
  readonly #dataDir: string;

  constructor({ dataDir }: { readonly dataDir: string }) {
    this.#dataDir = dataDir;
  }

  async run<Result>(work: () => Promise<Result>, waitMs: number): Promise<Result> {
    const release = await this.#acquire(waitMs);
    try {
      return await work();
    } finally {
      release();
    }
  }

  /** @returns a function that releases the lock. @throws BackupBusyError after `waitMs` */
  async #acquire(waitMs: number): Promise<() => void> {
    const start = performance.now();
    for (let tries = 1; ; tries += 1) {
      const release = this.#try();
      if (release !== null) return release;
      if (tries === 1) await this.#expectLocks();
      const waited = performance.now() - start;
      if (waited >= waitMs) throw new BackupBusyError(this.#dataDir, waited);
      await delay(Math.random() * PAUSE_MS);
    }
  }

  /** Waiting is no help where the file system refuses locks, which SQLite calls busy. */
  async #expectLocks(): Promise<void> {
    const { tryLock } = await import('./migrations.ts');
    try {
      tryLock(this.#dataDir);
    } catch (error) {
      if (isBusy(error)) throw noLocks(join(this.#dataDir, NAME), error);
    }
  }

  #try(): (() => void) | null {
    const path = join(this.#dataDir, NAME);
    try {
      createFolders(this.#dataDir);
      // Never opens an existing file here: closing that handle would drop a lock that this process holds on the file.
      if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
      const database = openDatabase(path, { timeout: 0 });
      try {
        database.exec('BEGIN EXCLUSIVE');
      } catch (error) {
        database.close();
        throw error;
      }
      held.add(database);
      return () => {
        held.delete(database);
        database.exec('ROLLBACK');
        database.close();
      };
    } catch (error) {
      if (isBusy(error)) return null;
      throw toStoreError(error, path, 0);
    }
  }
}
