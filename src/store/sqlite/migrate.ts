import { closeSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { StoreDamagedError, StoreTooNewError } from '../../errors/store-errors.ts';
import { createFolders } from '../../util/create-folders.ts';
import { Connection } from './connection.ts';
import type { Migration } from './migrations.ts';
import { withProcessLock } from './process-lock.ts';
import { Query } from './query.ts';
import { syncFolder } from './sync-folder.ts';

const quickCheck = new Query<[], { quick_check: string }>('PRAGMA quick_check(1)');

/** The newest schema version of a list of migrations. */
function latestVersion(migrations: readonly Migration[]): number {
  return migrations.at(-1)?.version ?? 0;
}

/** Runs the migrations after the given version. The caller holds a write transaction. */
export function applyMigrations(
  connection: Connection,
  migrations: readonly Migration[],
  current: number,
): void {
  for (const { version, up } of migrations) {
    if (version > current) up(connection);
  }
  connection.exec(`PRAGMA user_version = ${latestVersion(migrations)}`);
}

/** @throws StoreTooNewError when a newer program has changed the schema */
export function checkVersion(connection: Connection, migrations: readonly Migration[]): void {
  const found = connection.integerPragma('user_version');
  const supported = latestVersion(migrations);
  if (found > supported) throw new StoreTooNewError(connection.path, found, supported);
}

/**
 * Brings an existing database to the newest schema. First a copy of the whole database is put beside it
 * (`backups/before-v<N>-<UTC time>.sqlite`) and checked. Of several processes one does the work, the others
 * get a busy error until it is done.
 * @returns path of the backup; null when there was nothing to do
 */
export function migrate(
  connection: Connection,
  migrations: readonly Migration[],
  now: number,
): string | null {
  const target = latestVersion(migrations);
  if (connection.integerPragma('user_version') >= target) return null;
  return withProcessLock(`${connection.path}.migration-lock`, () => {
    const current = connection.integerPragma('user_version');
    if (current >= target) return null;
    const backup = copyDatabase(connection, `before-v${target}`, now);
    connection.transaction('IMMEDIATE', () => {
      applyMigrations(connection, migrations, current);
    });
    return backup;
  });
}

/**
 * Puts a checked copy of the whole database beside it (`backups/<name>-<UTC time>.sqlite`).
 * @param connection without a transaction
 * @returns path of the copy
 */
export function copyDatabase(connection: Connection, name: string, now: number): string {
  const folder = join(dirname(connection.path), 'backups');
  createFolders(folder);
  const time = new Date(now).toISOString().replaceAll(/[-:.]/g, '');
  const path = join(folder, `${name}-${time}.sqlite`);
  const draft = `${path}.new`;
  rmSync(draft, { force: true });
  try {
    copyInto(connection, draft);
    renameSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
  syncFolder(folder);
  return path;
}

function copyInto(connection: Connection, draft: string): void {
  closeSync(openSync(draft, 'wx', 0o600));
  connection.statement('VACUUM INTO ?').run(draft);
  const copy = new Connection(draft);
  try {
    const result = quickCheck.get(copy)?.quick_check;
    if (result !== 'ok')
      throw new StoreDamagedError(connection.path, `is damaged (${result ?? 'no answer'})`);
  } finally {
    copy.close();
  }
}
