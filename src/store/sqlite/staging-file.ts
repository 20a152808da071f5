import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { MemoryState } from '../../backup/ports.ts';
import { syncFolderBlocking } from '../../util/durable-file.ts';
import { Connection, Query } from './connection.ts';

const NAME = 'staging.sqlite';
/** Few states at once, because one may have some MiB. */
const STAGED_PAGE = 32;
const REMOVING_PAGE = 200;

const insertState = new Query<[id: string, state: Uint8Array]>('INSERT INTO state (id, state) VALUES (?, ?)');
const selectPage = new Query<[after: string, limit: number], { id: string; state: Uint8Array }>(
  'SELECT id, state FROM state WHERE id > ? ORDER BY id LIMIT ?',
);
const insertRemoving = new Query<[id: string]>('INSERT INTO removing (id) VALUES (?)');
const selectRemoving = new Query<[after: string, limit: number], { id: string }>(
  'SELECT id FROM removing WHERE id > ? ORDER BY id LIMIT ?',
);
const selectState = new Query<[id: string], { state: Uint8Array }>('SELECT state FROM state WHERE id = ?');
const findState = new Query<[id: string], { found: number }>('SELECT 1 AS found FROM state WHERE id = ?');
const insertName = new Query<[name: string]>('INSERT INTO stage (name) VALUES (?)');
const quickCheck = new Query<[], { quick_check: string }>('PRAGMA quick_check(1)');
const selectName = new Query<[], { name: string }>('SELECT name FROM stage');

/**
 * A file with the states of a snapshot, which may be larger than the main memory and are applied only when all of them
 * are there. After a crash the file is useless, and the next staging file replaces it, unless a merge in steps has begun
 * (src/store/sqlite/merge-steps.ts).
 */
export class StagingFile {
  /** Random. A merge in steps finds its file by it after a crash. */
  readonly name: string;
  readonly #dataDir: string;
  readonly #path: string;
  readonly #handle: number;
  readonly #connection: Connection;
  #memories = 0;
  #bytes = 0;
  #kept = false;

  private constructor(dataDir: string, name: string | null) {
    this.#dataDir = dataDir;
    this.#path = join(dataDir, NAME);
    this.#kept = name !== null;
    this.#handle = openSync(this.#path, name === null ? 'wx' : 'r+', 0o600);
    this.#connection = new Connection(this.#path);
    // The file need not survive a crash, so speed matters more than durability.
    this.#connection.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA secure_delete = OFF');
    this.name = name ?? this.#create();
  }

  /** Replaces the file that a killed process left. */
  static create(dataDir: string): StagingFile {
    remove(join(dataDir, NAME));
    return new StagingFile(dataDir, null);
  }

  /** Opens the file that a merge in steps left. @returns null when it is gone or damaged, or another file */
  static reopen(dataDir: string, name: string): StagingFile | null {
    const path = join(dataDir, NAME);
    if (!existsSync(path)) return null;
    try {
      const file = new StagingFile(dataDir, name);
      if (file.#isSound()) return file;
      file.release();
      file.close();
    } catch (error) {
      if (error instanceof Error && 'syscall' in error) throw error;
      remove(path);
    }
    return null;
  }

  get memories(): number {
    return this.#memories;
  }

  /** Size of the states that were added. */
  get bytes(): number {
    return this.#bytes;
  }

  add(states: readonly MemoryState[]): void {
    this.#connection.exec('BEGIN');
    for (const state of states) {
      const row = serialize(state);
      insertState.run(this.#connection, state.id, row);
      if (state.siblings.some((version) => version.state !== 'live'))
        insertRemoving.run(this.#connection, state.id);
      this.#bytes += row.length;
    }
    this.#connection.exec('COMMIT');
    this.#memories += states.length;
  }

  has(id: string): boolean {
    return findState.get(this.#connection, id) !== undefined;
  }

  /** The versions of one state; empty when it is not there. */
  siblings(id: string): MemoryState['siblings'] {
    const row = selectState.get(this.#connection, id);
    // Only `add` writes the rows.
    return row === undefined ? [] : (deserialize(row.state) as MemoryState).siblings;
  }

  /** Yields the ids of the states that have a version which is not live, some at a time. */
  *removing(): Generator<readonly string[]> {
    for (let after = ''; ;) {
      const ids = selectRemoving.all(this.#connection, after, REMOVING_PAGE).map(({ id }) => id);
      yield ids;
      const last = ids.at(-1);
      if (last === undefined || ids.length < REMOVING_PAGE) return;
      after = last;
    }
  }

  /** Yields the states in the order of their ids. @param from only the states after this id */
  *states(from = ''): Generator<MemoryState> {
    for (let after = from; ;) {
      const rows = selectPage.all(this.#connection, after, STAGED_PAGE);
      // Only `add` writes the rows.
      for (const { state } of rows) yield deserialize(state) as MemoryState;
      const last = rows.at(-1);
      if (last === undefined || rows.length < STAGED_PAGE) return;
      after = last.id;
    }
  }

  /** Writes the file to the disk. From now on `close` leaves it there. */
  keep(): void {
    fsyncSync(this.#handle);
    syncFolderBlocking(this.#dataDir);
    this.#kept = true;
  }

  /** The file is not needed any more: `close` removes it again. */
  release(): void {
    this.#kept = false;
  }

  close(): void {
    // The library may keep the file open for long, so its memory and its disk space are freed explicitly.
    this.#connection.exec('PRAGMA shrink_memory');
    this.#connection.close();
    if (!this.#kept) ftruncateSync(this.#handle);
    closeSync(this.#handle);
    if (!this.#kept) remove(this.#path);
  }

  #create(): string {
    const name = randomBytes(8).toString('hex');
    this.#connection.exec(
      `CREATE TABLE state (id TEXT PRIMARY KEY, state BLOB NOT NULL) STRICT;
       CREATE TABLE removing (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
       CREATE TABLE stage (name TEXT NOT NULL) STRICT`,
    );
    insertName.run(this.#connection, name);
    return name;
  }

  #isSound(): boolean {
    const isWhole = quickCheck.get(this.#connection)?.quick_check === 'ok';
    return isWhole && selectName.get(this.#connection)?.name === this.name;
  }
}

function remove(path: string): void {
  for (const suffix of ['', '-journal', '-wal', '-shm']) rmSync(path + suffix, { force: true });
}
