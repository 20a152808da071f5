import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  rmdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { createFolders, syncFolderBlocking } from '../util/durable-file.ts';
import { renamePatientlyBlocking } from '../util/rename.ts';
import { openDatabase } from './sqlite/engine.ts';
import { tryLock } from './sqlite/migrations.ts';
import { checkWritable, isBusy, noLocks, toStoreError } from './sqlite/sqlite-errors.ts';

/**
 * A program that tries in a data folder everything that a store does there, and removes its files again. It runs as a
 * separate process, because a network share that does not answer blocks a process until its parent ends it.
 *
 *     node try-folder.js <data folder>
 *
 * Prints one line of JSON before each step and one at the end.
 */
type TrialLine =
  | { readonly step: string }
  | { readonly failed: string; readonly fix?: string | undefined }
  | { readonly done: true };

/** Size of a new store. */
const PROBE_BYTES = 256 * 1024;
const BUSY_WAIT_MS = 5_000;

const [dataDir = ''] = process.argv.slice(2);
const database = join(dataDir, 'memory.sqlite');
let busyIsNoLocks = false;
let created: string[] = [];

try {
  begin('making the folder');
  created = createFolders(dataDir);
  tryFiles(join(dataDir, `.probe-${randomBytes(8).toString('hex')}`));
  begin('locking a new file');
  busyIsNoLocks = true;
  tryLock(dataDir);
  busyIsNoLocks = false;
  begin('locking the database');
  tryDatabase();
  print({ done: true });
} catch (error) {
  const problem =
    busyIsNoLocks && isBusy(error) ? noLocks(database, error) : toStoreError(error, database, BUSY_WAIT_MS);
  print({ failed: problem.message, fix: problem.fix });
} finally {
  for (const folder of created.reverse()) removeIfEmpty(folder);
}

function tryFiles(probe: string): void {
  const renamed = `${probe}-renamed`;
  try {
    begin('writing a file');
    const file = openSync(probe, 'wx', 0o600);
    try {
      writeFileSync(file, Buffer.alloc(PROBE_BYTES, 0x2e));
      begin('waiting until the file is on the disk');
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    begin('renaming a file');
    renamePatientlyBlocking(probe, renamed);
    syncFolderBlocking(dataDir);
    begin('deleting a file');
    rmSync(renamed);
  } finally {
    for (const path of [probe, renamed]) rmSync(path, { force: true });
  }
}

/** Tries to lock the database. Ignores damage, which the next check reports. */
function tryDatabase(): void {
  if (!existsSync(database)) return;
  checkWritable(database);
  const connection = openDatabase(database, { timeout: BUSY_WAIT_MS });
  try {
    connection.exec('BEGIN IMMEDIATE; ROLLBACK');
  } catch (error) {
    if (toStoreError(error, database, 0).code !== 'STORE_DAMAGED') throw error;
  } finally {
    connection.close();
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Another process has begun to use the folder.
  }
}

function begin(step: string): void {
  print({ step });
}

/** Writes the line at once, because the parent may end this process in the next step. */
function print(line: TrialLine): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}
