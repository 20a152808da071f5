import { closeSync, ftruncateSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { MemoryState } from '../../backup/ports.ts';
import { Connection } from './connection.ts';
import { Query } from './query.ts';

const NAME = 'staging.sqlite';
/** Few, because one state may have some MiB. */
const PAGE = 32;

const insertState = new Query<[id: string, state: Uint8Array]>('INSERT INTO state (id, state) VALUES (?, ?)');
const selectPage = new Query<[after: string, limit: number], { id: string; state: Uint8Array }>(
  'SELECT id, state FROM state WHERE id > ? ORDER BY id LIMIT ?',
);
const findState = new Query<[id: string], { found: number }>('SELECT 1 AS found FROM state WHERE id = ?');

/**
 * States of a snapshot on disk, beside the memories: what is read may be larger than memory, and is applied only
 * when all of it is there. Worth nothing after a crash; the next one removes it.
 */
export class StagingFile {
  readonly #path: string;
  readonly #handle: number;
  readonly #connection: Connection;

  constructor(dataDir: string) {
    this.#path = join(dataDir, NAME);
    remove(this.#path);
    this.#handle = openSync(this.#path, 'wx', 0o600);
    this.#connection = new Connection(this.#path);
    // Nothing in it has to survive anything.
    this.#connection.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA secure_delete = OFF');
    this.#connection.exec('CREATE TABLE state (id TEXT PRIMARY KEY, state BLOB NOT NULL) STRICT');
  }

  add(states: readonly MemoryState[]): void {
    this.#connection.exec('BEGIN');
    for (const state of states) insertState.run(this.#connection, state.id, serialize(state));
    this.#connection.exec('COMMIT');
  }

  has(id: string): boolean {
    return findState.get(this.#connection, id) !== undefined;
  }

  /** In the order of their ids. */
  *states(): Generator<MemoryState> {
    for (let after = ''; ;) {
      const rows = selectPage.all(this.#connection, after, PAGE);
      // Only `add` fills it.
      for (const { state } of rows) yield deserialize(state) as MemoryState;
      const last = rows.at(-1);
      if (last === undefined || rows.length < PAGE) return;
      after = last.id;
    }
  }

  close(): void {
    // The library may keep the file open for long, and with it its space in memory and on the disk.
    this.#connection.exec('PRAGMA shrink_memory');
    this.#connection.close();
    ftruncateSync(this.#handle);
    closeSync(this.#handle);
    remove(this.#path);
  }
}

function remove(path: string): void {
  for (const suffix of ['', '-journal', '-wal', '-shm']) rmSync(path + suffix, { force: true });
}
