import type { OwnCommit, SeenCommit } from '../../backup/ports.ts';
import type { JsonValue } from '../../memory/version.ts';
import { type Connection, Query } from './connection.ts';

/** Separates notes from other rows of the table `setting`. */
const PREFIX = 'note:';

const upsert = new Query<[name: string, value: string]>(
  'INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
);
const remove = new Query<[name: string]>('DELETE FROM setting WHERE name = ?');
const select = new Query<[name: string], { value: string }>('SELECT value FROM setting WHERE name = ?');

export function readNote(connection: Connection, name: string): JsonValue | null {
  const row = select.get(connection, PREFIX + name);
  // Only `writeNote` writes the value, from a JsonValue.
  return row === undefined ? null : (JSON.parse(row.value) as JsonValue);
}

export function writeNote(connection: Connection, name: string, value: JsonValue | null): void {
  connection.touchNote('note', '', name);
  if (value === null) remove.run(connection, PREFIX + name);
  else upsert.run(connection, PREFIX + name, JSON.stringify(value));
}

const insertCommit = new Query<
  [place: string, commitId: string, seq: number, ownWrites: number, sealed: number]
>('INSERT OR REPLACE INTO own_commit (place, commit_id, seq, own_writes, sealed) VALUES (?, ?, ?, ?, ?)');
const selectCommit = new Query<
  [place: string, commitId: string],
  { seq: number; own_writes: number; sealed: number }
>('SELECT seq, own_writes, sealed FROM own_commit WHERE place = ? AND commit_id = ?');
const upsertSeen = new Query<[place: string, machine: string, seq: number, commitId: string]>(
  'INSERT OR REPLACE INTO seen_head (place, machine, seq, commit_id) VALUES (?, ?, ?, ?)',
);
const selectSeen = new Query<[place: string, machine: string], { seq: number; commit_id: string }>(
  'SELECT seq, commit_id FROM seen_head WHERE place = ? AND machine = ?',
);

export function recordAttempt(connection: Connection, repositoryId: string, commit: OwnCommit): void {
  const { commitId, seq, ownWrites, sealed } = commit;
  connection.touchNote('attempt', repositoryId, commitId);
  insertCommit.run(connection, repositoryId, commitId, seq, ownWrites, sealed ? 1 : 0);
}

export function findAttempt(
  connection: Connection,
  repositoryId: string,
  commitId: string,
): OwnCommit | null {
  const row = selectCommit.get(connection, repositoryId, commitId);
  if (row === undefined) return null;
  return { commitId, seq: row.seq, ownWrites: row.own_writes, sealed: row.sealed === 1 };
}

export function recordSeen(
  connection: Connection,
  { repositoryId, machine }: { readonly repositoryId: string; readonly machine: string },
  { seq, commitId }: SeenCommit,
): void {
  connection.touchNote('seen', repositoryId, machine);
  upsertSeen.run(connection, repositoryId, machine, seq, commitId);
}

export function findSeen(connection: Connection, repositoryId: string, machine: string): SeenCommit | null {
  const row = selectSeen.get(connection, repositoryId, machine);
  return row === undefined ? null : { seq: row.seq, commitId: row.commit_id };
}
