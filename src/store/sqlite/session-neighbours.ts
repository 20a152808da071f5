import type { MemoryFilter } from '../../memory/filter.ts';
import type { SessionNeighbour } from '../memory-store.ts';
import { type Connection, Query, type SqlValue } from './connection.ts';
import { attributeValue, filterCondition } from './filter.ts';

/** The member of the metadata that names a session, as imports and captures set it. */
const SESSION = 'session';
const REACH = 2;
/** Of a longer session only the beginning is looked at. */
const MAX_MEMBERS = 5_000;

interface SessionRow {
  source: string;
  session: string;
}

const findSession = new Query<[], { num: number }>(
  `SELECT num FROM attribute WHERE live = 1 AND name = '${SESSION}' LIMIT 1`,
);
/** `->` answers JSON text. */
const selectSessions = new Query<[ids: string], SessionRow>(
  `SELECT DISTINCT m.source, v.metadata -> '$.${SESSION}' AS session
   FROM json_each(?) w CROSS JOIN memory m ON m.id = w.value CROSS JOIN version v ON v.key = m.current
   WHERE v.metadata <> '{}' AND v.metadata -> '$.${SESSION}' <> 'null'`,
);

/**
 * The memories one or two places before and after each candidate: of the same source and session, by time of
 * creation, and matching the filter. A memory without a session has none.
 * @param ids the candidates, live ones
 */
export function sessionNeighbours(
  connection: Connection,
  ids: readonly string[],
  filter: MemoryFilter,
): SessionNeighbour[] {
  // Most stores have no conversation.
  if (findSession.get(connection) === undefined) return [];
  const candidates = new Set(ids);
  const sessions = new Map<string, { readonly source: string; readonly value: string }>();
  for (const { source, session } of selectSessions.all(connection, JSON.stringify([...candidates]))) {
    const value = attributeValue(JSON.parse(session) as string);
    sessions.set(`${source}\n${value}`, { source, value });
  }
  return [...sessions.values()].flatMap((session) => {
    const members = readMembers(connection, session, filter);
    return members.flatMap(({ id: of }, place) => (candidates.has(of) ? around(members, place, of) : []));
  });
}

interface Member {
  id: string;
  matches: number;
}

function around(members: readonly Member[], place: number, of: string): SessionNeighbour[] {
  return members
    .slice(Math.max(0, place - REACH), place + REACH + 1)
    .flatMap(({ id, matches }, offset): SessionNeighbour[] => {
      const distance = Math.abs(Math.max(0, place - REACH) + offset - place);
      return matches === 1 && (distance === 1 || distance === 2) ? [{ id, of, distance }] : [];
    });
}

function readMembers(
  connection: Connection,
  { source, value }: { readonly source: string; readonly value: string },
  filter: MemoryFilter,
): Member[] {
  const condition = filterCondition(filter, true, 'each');
  return new Query<SqlValue[], Member>(
    `SELECT m.id, (${condition.sql}) AS matches
     FROM attribute a CROSS JOIN memory m ON m.num = a.num
     WHERE a.live = 1 AND a.name = '${SESSION}' AND a.value = ? AND m.source = ?
     ORDER BY m.created_at, m.num LIMIT ${MAX_MEMBERS}`,
  ).all(connection, ...condition.parameters, value, source);
}
