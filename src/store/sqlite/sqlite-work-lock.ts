import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { WorkLock } from '../../backup/ports.ts';
import { BackupBusyError } from '../../errors/backup-errors.ts';
import { createFolders } from '../../util/durable-file.ts';
import { isBusy, noLocks, toStoreError } from './sqlite-errors.ts';

const NAME = 'backup.lock';
const PAUSE_MS = 100;

/**
 * A lock that is an exclusive transaction on a small database in the data folder, so it ends with its process, even
 * after a crash. The SQLite library is imported on first use, because this code runs in the main thread.
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
      const release = await this.#try();
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

  async #try(): Promise<(() => void) | null> {
    const { DatabaseSync } = await import('@photostructure/sqlite');
    const path = join(this.#dataDir, NAME);
    try {
      createFolders(this.#dataDir);
      // Never opens an existing file here: closing that handle would drop a lock that this process holds on the file.
      if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
      const database = new DatabaseSync(path, { timeout: 0 });
      try {
        database.exec('BEGIN EXCLUSIVE');
      } catch (error) {
        database.close();
        throw error;
      }
      return () => {
        database.exec('ROLLBACK');
        database.close();
      };
    } catch (error) {
      if (isBusy(error)) return null;
      throw toStoreError(error, path, 0);
    }
  }
}
