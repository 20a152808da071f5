import { InvalidInputError } from '../../errors/input-errors.ts';
import type { MemoryFilter } from '../../memory/filter.ts';
import type { ListPage, ListRequest } from '../memory-store.ts';
import { type Connection, Query, type SqlValue } from './connection.ts';
import { filterCondition, matchesAll, type Condition } from './filter.ts';
import { readTotals } from './totals.ts';
import { countHidden } from './hidden.ts';
import { MEMORY_COLUMNS, MEMORY_JOINS, toMemory, type MemoryRow } from './rows.ts';

const WHICH = {
  live: { sql: `m.state = 'live'`, live: true },
  trash: { sql: `m.state = 'deleted'`, live: false },
  conflict: { sql: 'm.conflict = 1', live: true },
} as const;

const ORDER = {
  newest: { column: 'created_at', direction: 'DESC', beyond: '<' },
  oldest: { column: 'created_at', direction: 'ASC', beyond: '>' },
  updated: { column: 'updated_at', direction: 'DESC', beyond: '<' },
  position: { column: 'position', direction: 'ASC', beyond: '>' },
} as const;

export function listPage(connection: Connection, request: ListRequest): ListPage {
  const { sql, live } = WHICH[request.which];
  const hidden = request.which === 'trash' ? countHidden(connection) : 0;
  // Without hidden memories, an index gives the order of the trash.
  const which = hidden === 0 ? sql : `(${sql} OR m.num IN (SELECT num FROM hidden))`;
  const { column, direction, beyond } = ORDER[request.order];
  const filter: MemoryFilter =
    request.order === 'position' ? { ...request.filter, kind: 'conversation' } : request.filter;
  const condition = filterCondition(filter, live);
  const position = request.cursor === undefined ? null : parseCursor(request.cursor, request.order);
  const start = position === null ? 'TRUE' : `(m.${column}, m.num) ${beyond} (?, ?)`;
  // The inner query sorts keys only, because sorting whole memories would read all texts.
  const rows = new Query<SqlValue[], MemoryRow>(
    `SELECT ${MEMORY_COLUMNS}
     FROM (SELECT m.num FROM memory m WHERE ${which} AND ${condition.sql} AND ${start}
           ORDER BY m.${column} ${direction}, m.num ${direction} LIMIT ?) page
       CROSS JOIN memory m ON m.num = page.num ${MEMORY_JOINS}
     ORDER BY m.${column} ${direction}, m.num ${direction}`,
  ).all(connection, ...condition.parameters, ...(position ?? []), request.limit + 1);
  const page = rows.slice(0, request.limit);
  const last = page.at(-1);
  return {
    memories: page.map(toMemory),
    total: countMatches(
      connection,
      { ...request, filter },
      {
        sql: `${which} AND ${condition.sql}`,
        parameters: condition.parameters,
      },
    ),
    ...(rows.length > page.length && last !== undefined
      ? { nextCursor: formatCursor(request.order, [last[column] ?? 0, last.num]) }
      : {}),
  };
}

/** Without a filter the count comes from the totals, because counting 100,000 rows for every page is slow. */
function countMatches(connection: Connection, request: ListRequest, condition: Condition): number {
  if (matchesAll(request.filter)) {
    const { live, trash, conflicts } = readTotals(connection);
    return { live, trash: trash + countHidden(connection), conflict: conflicts }[request.which];
  }
  const query = new Query<SqlValue[], { total: number }>(
    `SELECT count(*) AS total FROM memory m WHERE ${condition.sql}`,
  );
  return query.get(connection, ...condition.parameters)?.total ?? 0;
}

/** Ids of all live memories that match, oldest first. */
export function matchingIds(connection: Connection, filter: MemoryFilter): string[] {
  const condition = filterCondition(filter, true);
  return new Query<SqlValue[], { id: string }>(
    `SELECT m.id FROM memory m WHERE m.state = 'live' AND ${condition.sql} ORDER BY m.created_at, m.num`,
  )
    .all(connection, ...condition.parameters)
    .map(({ id }) => id);
}

type Position = readonly [value: number, num: number];

function formatCursor(order: ListRequest['order'], position: Position): string {
  return Buffer.from(JSON.stringify([order, ...position])).toString('base64url');
}

/** @throws InvalidInputError */
function parseCursor(cursor: string, order: ListRequest['order']): Position {
  const parts = decodeJson(cursor);
  if (Array.isArray(parts) && parts.length === 3 && parts[0] === order) {
    const [value, num] = parts.slice(1) as unknown[];
    if (Number.isSafeInteger(value) && Number.isSafeInteger(num)) return [Number(value), Number(num)];
  }
  throw new InvalidInputError(
    'cursor',
    `is ${JSON.stringify(cursor)}`,
    'allowed is the cursor of the page before, from a list with the same order',
  );
}

function decodeJson(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
}
