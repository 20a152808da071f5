import type { JsonValue } from '../../memory/version.ts';
import type { Connection } from './connection.ts';
import { Query } from './query.ts';

/** Keeps notes apart from settings of other parts. */
const PREFIX = 'note:';

const upsert = new Query<[name: string, value: string]>(
  'INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
);
const remove = new Query<[name: string]>('DELETE FROM setting WHERE name = ?');
const select = new Query<[name: string], { value: string }>('SELECT value FROM setting WHERE name = ?');

export function readNote(connection: Connection, name: string): JsonValue | null {
  const row = select.get(connection, PREFIX + name);
  // Only `writeNote` fills it, from a JsonValue.
  return row === undefined ? null : (JSON.parse(row.value) as JsonValue);
}

export function writeNote(connection: Connection, name: string, value: JsonValue | null): void {
  if (value === null) remove.run(connection, PREFIX + name);
  else upsert.run(connection, PREFIX + name, JSON.stringify(value));
}
