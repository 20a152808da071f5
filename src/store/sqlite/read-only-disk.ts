import { accessSync, constants, copyFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { Connection } from './connection.ts';
import { showOccurrences } from './full-text.ts';
import { checkVersion, migrate, type Migration } from './migrations.ts';
import { codeOf } from '../../util/caught.ts';

/** Tries to copy files that another machine changes meanwhile. */
const MAX_COPIES = 5;

/** True when the folder of the database is on a disk that is mounted read-only. */
export function isOnReadOnlyDisk(path: string): boolean {
  try {
    accessSync(dirname(path), constants.W_OK);
    return false;
  } catch (error) {
    return codeOf(error) === 'EROFS';
  }
}

/** Changes when the database changes, which another path or another machine may do. */
export function stateOfFiles(path: string): string {
  return [path, `${path}-wal`]
    .map((file) => {
      const { ino, size, mtimeNs } = statSync(file, { bigint: true, throwIfNoEntry: false }) ?? {};
      return `${ino ?? ''} ${size ?? ''} ${mtimeNs ?? ''}`;
    })
    .join(', ');
}

/** @param state of the files when they were opened, from `stateOfFiles` */
export function isUnchanged(path: string, state: string): boolean {
  return isOnReadOnlyDisk(path) && stateOfFiles(path) === state;
}

/**
 * Opens a database on a read-only disk for reading. SQLite itself needs to write there, for its locks and for the part that is
 * still in the write-ahead log. Without a log the file is read as it is; else, and when its schema is old, a copy in the
 * system's folder for temporary files is read.
 */
export function openOnReadOnlyDisk(path: string, migrations: readonly Migration[]): Connection {
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false });
  if (log === undefined || log.size === 0) {
    const connection = new Connection(path, { immutable: true });
    try {
      checkVersion(connection, migrations);
      if (connection.integerPragma('user_version') === migrations.at(-1)?.version) {
        showOccurrences(connection);
        return connection;
      }
    } catch (error) {
      connection.close();
      throw error;
    }
    connection.close();
  }
  return openCopy(path, migrations);
}

function openCopy(path: string, migrations: readonly Migration[]): Connection {
  const folder = mkdtempSync(join(tmpdir(), 'faiss-memory-read-only-'));
  try {
    const copy = join(folder, basename(path));
    copyStill(path, copy);
    const connection = new Connection(copy);
    checkVersion(connection, migrations);
    migrate(connection, migrations, 0);
    showOccurrences(connection);
    // Without a log, the open file is all that SQLite needs, so that nothing is left behind when the process is killed.
    connection.exec('PRAGMA journal_mode = DELETE; PRAGMA query_only = ON');
    return connection;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Copies the database and its log as they are at one moment. */
function copyStill(path: string, copy: string): void {
  for (let attempt = 1; ; attempt += 1) {
    const before = stateOfFiles(path);
    copyFileSync(path, copy);
    rmSync(`${copy}-wal`, { force: true });
    if (statSync(`${path}-wal`, { throwIfNoEntry: false }) !== undefined)
      copyFileSync(`${path}-wal`, `${copy}-wal`);
    if (stateOfFiles(path) === before || attempt === MAX_COPIES) return;
  }
}
