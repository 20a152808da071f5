import { randomBytes } from 'node:crypto';
import { closeSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
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

/**
 * Locks a new file that no other process knows, in the folder. Where SQLite calls that busy too, the file system
 * refuses locks: some network shares do, and SQLite reports it like a lock of another process.
 * @throws SQLite's error, or that of the file system
 */
export function tryLock(folder: string): void {
  const path = join(folder, `.lock-${randomBytes(8).toString('hex')}`);
  try {
    withProcessLock(path, () => undefined);
  } finally {
    for (const suffix of ['', '-journal']) rmSync(path + suffix, { force: true });
  }
}
