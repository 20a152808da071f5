import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { StoreDamagedError, StoreTooNewError } from '../../errors/store-errors.ts';
import { createFolders } from '../../util/create-folders.ts';
import { Connection, Query } from './connection.ts';
import { rebuildWords } from './full-text.ts';

/** Marks the file as one of ours (`PRAGMA application_id`): "FMem". */
export const APPLICATION_ID = 0x46_4d_65_6d;

/**
 * Schema version 1. The truth is in `version`, `clock` and `ledger`; `memory` carries what is looked up by
 * filter, and `tag`, `attribute`, `word`, `pending` can be made again from the truth. `chunk` is derived too,
 * but dear to make.
 *
 * ledger: this data folder's identity and its totals, one row, rewritten by every write.
 *   `sequence` is the one local change sequence: each change of a memory takes the next value.
 *   The sums are those of src/memory/digest.ts.
 * setting: facts of later features (names of published commits and the like), as JSON.
 * memory: one row per id ever seen, with its last change and its current version.
 * version: sibling = 1 for versions that no known version replaces, 0 for local history.
 * tag, attribute: filters; `live` parts searchable memories from those in the trash.
 * word: full text of live memories, without content; `rowid` is `memory.num`.
 * chunk: `label` names the vector in the vector index and is never used twice.
 * pending: live memories that wait for vectors of a model, with the lease of who makes them.
 */
const SCHEMA_1 = `
CREATE TABLE ledger (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  machine TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  live INTEGER NOT NULL,
  trash INTEGER NOT NULL,
  conflicts INTEGER NOT NULL,
  content_sum BLOB NOT NULL,
  state_sum BLOB NOT NULL
) STRICT;

CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE clock (machine TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE memory (
  num INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  sequence INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('live', 'deleted', 'stripped', 'purged')),
  conflict INTEGER NOT NULL CHECK (conflict IN (0, 1)),
  current INTEGER NOT NULL,
  source TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  text_hash BLOB
) STRICT;
CREATE UNIQUE INDEX memory_by_sequence ON memory (sequence);
CREATE INDEX memory_by_creation ON memory (state, created_at);
CREATE INDEX memory_by_update ON memory (state, updated_at);
CREATE INDEX memory_by_source ON memory (state, source);
CREATE INDEX memory_by_text ON memory (text_hash) WHERE text_hash IS NOT NULL;
CREATE INDEX memory_by_conflict ON memory (created_at) WHERE conflict = 1;

CREATE TABLE version (
  key INTEGER PRIMARY KEY AUTOINCREMENT,
  num INTEGER NOT NULL REFERENCES memory (num) DEFERRABLE INITIALLY DEFERRED,
  machine TEXT NOT NULL,
  n INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('live', 'deleted', 'stripped', 'purged')),
  sibling INTEGER NOT NULL CHECK (sibling IN (0, 1)),
  replaced_at INTEGER,
  text TEXT NOT NULL,
  tags TEXT NOT NULL,
  source TEXT NOT NULL,
  metadata TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  content_hash BLOB,
  UNIQUE (machine, n)
) STRICT;
CREATE INDEX version_by_memory ON version (num, sibling);

CREATE TABLE tag (
  live INTEGER NOT NULL, tag TEXT NOT NULL, num INTEGER NOT NULL, PRIMARY KEY (live, tag, num)
) STRICT, WITHOUT ROWID;

CREATE TABLE attribute (
  live INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, num INTEGER NOT NULL,
  PRIMARY KEY (live, name, value, num)
) STRICT, WITHOUT ROWID;

CREATE VIRTUAL TABLE word USING fts5 (
  text, tags, content = '', contentless_delete = 1,
  tokenize = "porter unicode61 remove_diacritics 2 categories 'L* N* Co M*'"
);

CREATE TABLE model (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  model_id TEXT NOT NULL,
  dimension INTEGER NOT NULL,
  weights_hash TEXT NOT NULL,
  UNIQUE (model_id, dimension, weights_hash)
) STRICT;

CREATE TABLE chunk (
  label INTEGER PRIMARY KEY AUTOINCREMENT CHECK (label < 2147483648),
  version INTEGER NOT NULL REFERENCES version (key),
  model INTEGER NOT NULL REFERENCES model (id),
  start_offset INTEGER NOT NULL,
  end_offset INTEGER NOT NULL,
  vector BLOB NOT NULL
) STRICT;
CREATE INDEX chunk_by_version ON chunk (version, model);

CREATE TABLE pending (
  model INTEGER NOT NULL REFERENCES model (id),
  num INTEGER NOT NULL REFERENCES memory (num),
  leased_until INTEGER NOT NULL,
  PRIMARY KEY (model, num)
) STRICT, WITHOUT ROWID;
`;

/**
 * Schema version 2: what this data folder remembers about heads in repositories, see `HeadJournal`.
 * own_commit: heads that this folder wrote, recorded before they were. seen_head: the newest that was seen.
 */
const SCHEMA_2 = `
CREATE TABLE own_commit (
  place TEXT NOT NULL,
  commit_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  own_writes INTEGER NOT NULL,
  sealed INTEGER NOT NULL CHECK (sealed IN (0, 1)),
  PRIMARY KEY (place, commit_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE seen_head (
  place TEXT NOT NULL,
  machine TEXT NOT NULL,
  seq INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  PRIMARY KEY (place, machine)
) STRICT, WITHOUT ROWID;
`;

/** One step of the schema. Runs inside a transaction; versions count up from 1 without gaps. */
export interface Migration {
  readonly version: number;
  readonly up: (connection: Connection) => void;
}

/** Every migration ever released, in order. A released one never changes. */
export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    up: (connection) => {
      connection.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
      connection.exec(SCHEMA_1);
      connection.exec(
        `INSERT INTO ledger (one, machine, sequence, live, trash, conflicts, content_sum, state_sum)
         VALUES (1, '${newMachineId()}', 0, 0, 0, 0, zeroblob(32), zeroblob(32))`,
      );
    },
  },
  {
    version: 2,
    up: (connection) => {
      connection.exec(SCHEMA_2);
    },
  },
  // Symbols, emoji, joined words and numbers with separators came into the full-text index.
  { version: 3, up: rebuildWords },
];

/** Random, because it must be unique among machines that know nothing of each other. */
export function newMachineId(): string {
  return randomBytes(8).toString('hex');
}

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

/**
 * Runs the work while no other process holds the same lock. The lock is an exclusive transaction on a small
 * database, so it ends with its process, however that ends.
 * @throws SQLite's busy error when another process holds the lock
 */
function withProcessLock<Result>(path: string, work: () => Result): Result {
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

/** Makes names that were created or renamed in a folder survive a power cut. Windows needs and offers no such call. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
