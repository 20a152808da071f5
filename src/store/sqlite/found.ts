import type { FoundMemories, Unused, UnusedRule } from '../../memory/found-record.ts';
import { type Connection, Query } from './connection.ts';

/**
 * Schema version 8: the results of searches on this machine. Neither table is in versions, snapshots or digests.
 * found: memories that a search returned, or that a model was told unasked.
 * searched: days (UTC, since the epoch) with searches; `newest` is the greatest `memory.num` when the first one of the
 *   day was written, so that memories with greater numbers came later, whatever their times say.
 */
export const SCHEMA_8 = `
CREATE TABLE found (
  num INTEGER PRIMARY KEY REFERENCES memory (num) DEFERRABLE INITIALLY DEFERRED,
  times INTEGER NOT NULL,
  last_at INTEGER NOT NULL
) STRICT;

CREATE TABLE searched (
  day INTEGER PRIMARY KEY, searches INTEGER NOT NULL, newest INTEGER NOT NULL
) STRICT;
`;

const DAY_MS = 86_400_000;

const upsertFound = new Query<[times: number, at: number, id: string]>(
  `INSERT INTO found (num, times, last_at)
   SELECT num, ?, ? FROM memory WHERE id = ? AND state IN ('live', 'deleted')
   ON CONFLICT (num) DO UPDATE SET times = times + excluded.times, last_at = max(last_at, excluded.last_at)`,
);
const upsertSearched = new Query<[day: number, searches: number]>(
  `INSERT INTO searched (day, searches, newest) SELECT ?, ?, coalesce(max(num), 0) FROM memory WHERE true
   ON CONFLICT (day) DO UPDATE SET searches = searches + excluded.searches`,
);
const deleteFound = new Query<[num: number]>('DELETE FROM found WHERE num = ?');
const selectTotal = new Query<[], { first: number | null; searches: number | null }>(
  'SELECT min(day) AS first, sum(searches) AS searches FROM searched',
);
/** The last day that is long enough ago and has enough searches after it. */
const selectEnough = new Query<
  [today: number, least: number, before: number],
  { day: number; newest: number }
>(
  `SELECT day, newest FROM searched AS old
   WHERE (SELECT sum(searches) FROM searched WHERE day > old.day AND day <= ?) >= ? AND day <= ?
   ORDER BY day DESC LIMIT 1`,
);
const selectUnused = new Query<[newest: number, changedBefore: number], { id: string }>(
  `SELECT id FROM memory WHERE state = 'live' AND kind = 'fact' AND pinned = 0 AND conflict = 0
     AND num <= ? AND updated_at < ? AND NOT EXISTS (SELECT 1 FROM found WHERE found.num = memory.num)
   ORDER BY created_at, num`,
);

export function storeFound(connection: Connection, { searches, times, at }: FoundMemories): void {
  for (const [id, count] of times) upsertFound.run(connection, count, at, id);
  if (searches > 0) upsertSearched.run(connection, Math.floor(at / DAY_MS), searches);
}

/** For a memory whose content is gone. */
export function forgetFound(connection: Connection, num: number): void {
  deleteFound.run(connection, num);
}

export function readUnused(connection: Connection, rule: UnusedRule & { readonly now: number }): Unused {
  const { first, searches } = selectTotal.get(connection) ?? {};
  const today = Math.floor(rule.now / DAY_MS);
  const enough = selectEnough.get(connection, today, rule.searches, today - rule.days);
  return {
    since: typeof first === 'number' ? first * DAY_MS : null,
    searches: searches ?? 0,
    ids:
      enough === undefined
        ? null
        : selectUnused.all(connection, enough.newest, enough.day * DAY_MS).map(({ id }) => id),
  };
}
