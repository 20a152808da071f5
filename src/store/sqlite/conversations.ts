import { InvalidInputError } from '../../errors/input-errors.ts';
import type { ConversationPage, ConversationsRequest, ConversationSummary } from '../memory-store.ts';
import { type Connection, Query, type SqlValue } from './connection.ts';
import { filterCondition } from './filter.ts';

interface ConversationRow {
  client: string;
  session: string;
  turns: number;
  first: number;
  last: number;
}

/** Characters of a turn that stand for its conversation. */
const BEGINNING = 200;
/** Turns of one transaction, so that others wait for it only shortly. */
const STEP = 200;

const selectFirst = new Query<
  [client: string, session: string],
  { beginning: string; project: string | null }
>(
  `SELECT substr(v.text, 1, ${BEGINNING}) AS beginning,
     CASE json_type(v.metadata, '$.project') WHEN 'text' THEN v.metadata ->> '$.project' END AS project
   FROM memory m JOIN version v ON v.key = m.current
   WHERE m.client = ? AND m.session = ? AND m.state = 'live'
     AND v.metadata ->> '$.role' = 'user' ORDER BY m.position LIMIT 1`,
);
const selectAny = new Query<[client: string, session: string], { beginning: string; project: string | null }>(
  `SELECT substr(v.text, 1, ${BEGINNING}) AS beginning,
     CASE json_type(v.metadata, '$.project') WHEN 'text' THEN v.metadata ->> '$.project' END AS project
   FROM memory m JOIN version v ON v.key = m.current
   WHERE m.client = ? AND m.session = ? AND m.state = 'live' ORDER BY m.position LIMIT 1`,
);

/** The conversations that have a live turn that matches, those with the newest turn first. */
export function listConversations(connection: Connection, request: ConversationsRequest): ConversationPage {
  const { sql, parameters } = filterCondition(request.filter, true);
  const groups = `SELECT m.client, m.session, count(*) AS turns, min(m.created_at) AS first, max(m.created_at) AS last
     FROM memory m WHERE m.session IS NOT NULL AND m.state = 'live' AND ${sql} GROUP BY m.client, m.session`;
  const position = request.cursor === undefined ? null : parseCursor(request.cursor);
  // By the newest turn downwards, then by name upwards: a row value compares in one direction only.
  const start = position === null ? 'TRUE' : '(-last, client, session) > (?, ?, ?)';
  const rows = new Query<SqlValue[], ConversationRow>(
    `SELECT * FROM (${groups}) WHERE ${start} ORDER BY last DESC, client, session LIMIT ?`,
  ).all(connection, ...parameters, ...(position ?? []), request.limit + 1);
  const page = rows.slice(0, request.limit);
  const end = page.at(-1);
  const total = new Query<SqlValue[], { total: number }>(`SELECT count(*) AS total FROM (${groups})`);
  return {
    conversations: page.map((row) => summarize(connection, row)),
    total: total.get(connection, ...parameters)?.total ?? 0,
    ...(rows.length > page.length && end !== undefined ? { nextCursor: formatCursor(end) } : {}),
  };
}

function summarize(connection: Connection, row: ConversationRow): ConversationSummary {
  const { client, session, turns, first, last } = row;
  const shown = selectFirst.get(connection, client, session) ?? selectAny.get(connection, client, session);
  // SQLite counts code points, and cuts none in two.
  return {
    client,
    session,
    turns,
    first,
    last,
    project: shown?.project ?? '',
    beginning: shown?.beginning ?? '',
  };
}

function formatCursor({ last, client, session }: ConversationRow): string {
  return Buffer.from(JSON.stringify([-last, client, session])).toString('base64url');
}

/** @throws InvalidInputError */
function parseCursor(cursor: string): [last: number, client: string, session: string] {
  const parts = decodeJson(cursor);
  if (Array.isArray(parts) && parts.length === 3) {
    const [last, client, session] = parts as unknown[];
    if (Number.isSafeInteger(last) && typeof client === 'string' && typeof session === 'string')
      return [Number(last), client, session];
  }
  const problem = `is ${JSON.stringify(cursor)}`;
  throw new InvalidInputError('cursor', problem, 'allowed is the cursor of the page before');
}

function decodeJson(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
}

const selectExpired = new Query<[before: number, limit: number], { id: string }>(
  `SELECT m.id FROM (SELECT client, session FROM memory WHERE session IS NOT NULL AND state = 'live'
       GROUP BY client, session HAVING max(created_at) <= ?) old
     JOIN memory m ON m.client = old.client AND m.session = old.session AND m.state = 'live' LIMIT ?`,
);

/** Some live turns of conversations whose last turn was created at `before` or earlier. */
export function expiredTurns(connection: Connection, before: number): string[] {
  return selectExpired.all(connection, before, STEP).map(({ id }) => id);
}
