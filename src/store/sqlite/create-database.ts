import { randomBytes } from 'node:crypto';
import { closeSync, constants, copyFileSync, linkSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { codeOf } from '../../util/caught.ts';
import { createFolders, syncFolderBlocking } from '../../util/durable-file.ts';
import { removeUnlessInUse } from '../../util/rename.ts';
import { Connection } from './connection.ts';
import { applyMigrations, type Migration } from './migrations.ts';

const FILE_MODE = 0o600;

/**
 * Creates the database when there is none. Builds it completely under another name and then links it to its own
 * name. When several processes do so, one wins and the others use its file. A file with the final name is therefore
 * always complete, and an empty file is damage.
 */
export function createDatabase(path: string, migrations: readonly Migration[]): void {
  createFolders(dirname(path));
  const draft = `${path}.new-${randomBytes(6).toString('hex')}`;
  try {
    closeSync(openSync(draft, 'wx', FILE_MODE));
    buildDatabase(draft, migrations);
    publish(draft, path);
  } finally {
    for (const suffix of ['', '-journal']) removeUnlessInUse(draft + suffix);
  }
  syncFolderBlocking(dirname(path));
}

/** Builds the draft in rollback mode, because a write-ahead log would keep the draft's name. Opening switches to the log. */
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

/** Gives the finished file its final name, unless another process was faster. */
function publish(draft: string, path: string): void {
  try {
    linkSync(draft, path);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST') return;
    if (code === 'ENOSPC') throw error;
    // The file system has no hard links, as exFAT.
    copyExclusively(draft, path);
  }
}

function copyExclusively(draft: string, path: string): void {
  try {
    copyFileSync(draft, path, constants.COPYFILE_EXCL);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}
