import type { LogHead } from '../shared-log.ts';
import { type Connection, Query } from './connection.ts';

/** Where the first reading of a space stands: first all memories without their vectors, then all vectors. */
export interface Filling {
  /** Number of the last change that was read. */
  readonly change: number;
  /** The entry that it will end at. */
  readonly head: LogHead;
  /** The newest entry that a page showed, which must still be there at the next page. */
  readonly seen?: LogHead;
  /** Memories up to this change are met once. Absent = the memories are read with their vectors. */
  readonly firstTimeUpTo?: number;
  /** Of the vectors: where the next page begins, null for the first one. Absent = memories are being read. */
  readonly vectors?: string | null;
  /** The reader that is at work, and when it last wrote: milliseconds since the epoch. */
  readonly reader?: string;
  readonly at?: number;
}

/** How far a file has read the log of its space. */
export interface Position extends LogHead {
  readonly space: string;
  readonly loading?: Filling;
}

const NAME = 'shared:position';
const selectPosition = new Query<[name: string], { value: string }>(
  'SELECT value FROM setting WHERE name = ?',
);
const upsertPosition = new Query<[name: string, value: string]>(
  'INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
);

/** Null when nothing was read yet, and in a store that is no index. */
export function readPosition(connection: Connection): Position | null {
  const row = selectPosition.get(connection, NAME);
  // Only `writePosition` writes the value.
  return row === undefined ? null : (JSON.parse(row.value) as Position);
}

export function writePosition(connection: Connection, position: Position): void {
  upsertPosition.run(connection, NAME, JSON.stringify(position));
}

export function samePosition(a: Position | null, b: Position | null): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/**
 * True while vectors of memories may be missing that are in the log. Without a position nothing is missing: a store that is
 * no index has none, and an index is read only when it has one.
 */
export function isFilling(connection: Connection): boolean {
  return readPosition(connection)?.loading !== undefined;
}
