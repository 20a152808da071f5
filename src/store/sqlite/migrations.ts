import { randomBytes } from 'node:crypto';
import { closeSync, openSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { StoreDamagedError, StoreTooNewError } from '../../errors/store-errors.ts';
import { createFolders, syncFolderBlocking } from '../../util/durable-file.ts';
import { renamePatientlyBlocking } from '../../util/rename.ts';
import { addAttributeColumns } from './attribute-columns.ts';
import { Connection, Query } from './connection.ts';
import { addCounts, addTokenCounts } from './counts.ts';
import { openDatabase } from './engine.ts';
import { SCHEMA_8 } from './found.ts';
import { keepFewSegments, recreateWords, rebuildWords } from './full-text.ts';
import { SCHEMA_5 } from './token-vectors.ts';

/** Marks the file as a database of this program (`PRAGMA application_id`): "FMem". */
export const APPLICATION_ID = 0x46_4d_65_6d;

/**
 * Schema version 1. The data is in `version`, `clock` and `ledger`. All other tables except `setting` are derived from
 * it: `memory` has the columns for filters, `tag`, `attribute`, `word` and `pending` can be rebuilt quickly, and
 * `chunk` takes long to rebuild.
 *
 * ledger: one row with the machine id and the totals, rewritten by every write. `sequence` is the number of the last
 *   local change; each change of a memory takes the next number. The sums are those of src/memory/digest.ts.
 * clock: the version vector.
 * setting: notes, as JSON.
 * memory: one row for each id ever seen, with its last change and its current version.
 * version: sibling = 1 for versions that no known version replaces, 0 for local history.
 * tag, attribute: filters; `live` separates searchable memories from the trash.
 * word: full-text index of live memories, without content; `rowid` is `memory.num`. A later version creates it anew.
 * chunk: `label` names the vector in the vector index and is never used twice.
 * pending: live memories without vectors of a model, with the end of the lease of the process that embeds them.
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
 * Schema version 2: the journal of heads in repositories (`HeadJournal`); `place` is the repository id.
 * own_commit: heads of this data folder, recorded before they are uploaded.
 * seen_head: the newest head of each machine that was seen.
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

/**
 * Schema version 4: the traces of erased memories on this machine. Neither table is in snapshots or digests.
 * hidden: the last content of memories that another machine erased; `hidden_at` is when that arrived.
 * erased_here: memories that were erased on this machine.
 */
const SCHEMA_4 = `
CREATE TABLE hidden (
  num INTEGER PRIMARY KEY REFERENCES memory (num) DEFERRABLE INITIALLY DEFERRED,
  hidden_at INTEGER NOT NULL,
  text TEXT NOT NULL,
  tags TEXT NOT NULL,
  source TEXT NOT NULL,
  metadata TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX hidden_by_time ON hidden (hidden_at);

CREATE TABLE erased_here (
  num INTEGER PRIMARY KEY REFERENCES memory (num) DEFERRABLE INITIALLY DEFERRED
) STRICT;
INSERT INTO erased_here (num)
  SELECT DISTINCT v.num FROM memory m JOIN version v ON v.num = m.num AND v.sibling = 1 AND v.state = 'purged'
  WHERE m.state = 'purged' AND (
    v.machine = (SELECT machine FROM ledger)
    OR v.n <= (SELECT CAST(value AS INTEGER) FROM setting WHERE name = 'note:given-up:' || v.machine));
`;

/** One step of the schema. `up` runs inside a transaction; versions count from 1 without gaps. */
export interface Migration {
  readonly version: number;
  readonly up: (connection: Connection) => void;
}

/** Every released migration, in order. A released migration never changes. */
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
  // The full-text index gets symbols, emoji, joined words and numbers with separators.
  { version: 3, up: rebuildWords },
  {
    version: 4,
    up: (connection) => {
      connection.exec(SCHEMA_4);
    },
  },
  {
    version: 5,
    up: (connection) => {
      connection.exec(SCHEMA_5);
    },
  },
  { version: 6, up: addAttributeColumns },
  // The full-text index keeps no word of a removed memory.
  { version: 7, up: recreateWords },
  {
    version: 8,
    up: (connection) => {
      connection.exec(SCHEMA_8);
    },
  },
  { version: 9, up: addCounts },
  // The full-text index is in smaller pages and fewer segments.
  { version: 10, up: keepFewSegments },
  { version: 11, up: addTokenCounts },
];

/** 16 random hex digits, unique among machines that do not know each other. */
export function newMachineId(): string {
  return randomBytes(8).toString('hex');
}

const quickCheck = new Query<[], { quick_check: string }>('PRAGMA quick_check(1)');

/** The schema version after all migrations of the list. */
function latestVersion(migrations: readonly Migration[]): number {
  return migrations.at(-1)?.version ?? 0;
}

/** Runs the migrations after the version `current`. The caller holds a write transaction. */
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
 * Migrates an existing database to the newest schema, after copying it to `backups/before-v<N>-<UTC time>.sqlite` and
 * checking the copy. When several processes try, one does the work and the others get a busy error until it is done.
 * @returns path of the copy; null when the schema was already the newest
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
 * Copies the whole database to `backups/<name>-<UTC time>.sqlite` in its folder, and checks the copy.
 * @param connection has no open transaction
 * @returns path of the copy
 * @throws StoreDamagedError when the copy is damaged
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
    renamePatientlyBlocking(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
  syncFolderBlocking(folder);
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
 * Runs the work under a lock that only one process can hold. The lock is an exclusive transaction on a small
 * database, so it ends with its process, even after a crash.
 * @throws SQLite's busy error when another process holds the lock
 */
function withProcessLock<Result>(path: string, work: () => Result): Result {
  closeSync(openSync(path, 'a', 0o600));
  const lock = openDatabase(path, { timeout: 50 });
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
 * Locks a new file in the folder that no other process knows. A busy error means that the file system refuses locks,
 * as some network shares do; SQLite reports this like a lock of another process.
 * @throws the error of SQLite or of the file system
 */
export function tryLock(folder: string): void {
  const path = join(folder, `.lock-${randomBytes(8).toString('hex')}`);
  try {
    withProcessLock(path, () => undefined);
  } finally {
    for (const suffix of ['', '-journal']) rmSync(path + suffix, { force: true });
  }
}
