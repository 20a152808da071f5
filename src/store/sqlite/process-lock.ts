import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from '@photostructure/sqlite';

/**
 * Runs the work while no other process holds the same lock. The lock is an exclusive transaction on a small
 * database, so it ends with its process, however that ends.
 * @throws SQLite's busy error when another process holds the lock
 */
export function withProcessLock<Result>(path: string, work: () => Result): Result {
  closeSync(openSync(path, 'a', 0o600));
  const lock = new DatabaseSync(path, { timeout: 50 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    const result = work();
    lock.exec('COMMIT');
    return result;
  } finally {
    lock.close();
  }
}
