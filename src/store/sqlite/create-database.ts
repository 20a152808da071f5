import { randomBytes } from 'node:crypto';
import { closeSync, copyFileSync, constants, linkSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { createFolders } from '../../util/create-folders.ts';
import { Connection } from './connection.ts';
import type { Migration } from './migrations.ts';
import { applyMigrations } from './migrate.ts';
import { syncFolder } from './sync-folder.ts';

const FILE_MODE = 0o600;

/**
 * Creates the database when there is none. It is made complete under another name and then linked to its own:
 * of several processes one wins and the others use its file, and a file of that name is never half made. So an
 * empty file found there is damage, never a store in the making.
 */
export function createDatabase(path: string, migrations: readonly Migration[]): void {
  createFolders(dirname(path));
  const draft = `${path}.new-${randomBytes(6).toString('hex')}`;
  try {
    closeSync(openSync(draft, 'wx', FILE_MODE));
    buildDatabase(draft, migrations);
    publish(draft, path);
  } finally {
    for (const suffix of ['', '-journal']) rmSync(draft + suffix, { force: true });
  }
  syncFolder(dirname(path));
}

/** In rollback mode: a write-ahead log would be tied to the name of the draft. Opening switches to it. */
function buildDatabase(draft: string, migrations: readonly Migration[]): void {
  const connection = new Connection(draft);
  try {
    connection.transaction('EXCLUSIVE', () => {
      applyMigrations(connection, migrations, 0);
    });
  } finally {
    connection.close();
  }
}

/** Gives the finished file its name, unless another process was faster. */
function publish(draft: string, path: string): void {
  try {
    linkSync(draft, path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'EEXIST') return;
    if (code === 'ENOSPC') throw error;
    // File systems without hard links, such as exFAT.
    copyExclusively(draft, path);
  }
}

function copyExclusively(draft: string, path: string): void {
  try {
    copyFileSync(draft, path, constants.COPYFILE_EXCL);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}
