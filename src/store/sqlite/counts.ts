import type { StoreStats } from '../memory-store.ts';
import { type Connection, Query } from './connection.ts';
import { TRUE_AT } from './filter.ts';

const DAY = 86_400_000;
/** In all zones of today days begin at a full quarter of an hour, in UTC too. */
export const QUARTER = 900_000;
export const QUARTERS = DAY / QUARTER;
/** SQLite rounds a quotient towards zero, also that of a time before 1970. */
const timeOfDay = (at: string): string => `((${at} % ${DAY} + ${DAY}) % ${DAY})`;
const dayOf = (at: string): string => `((${at} - ${timeOfDay(at)}) / ${DAY})`;
const quarterOf = (at: string): string => `CAST(${timeOfDay(at)} / ${QUARTER} AS TEXT)`;

/**
 * Schema version 9: an index, and counts of live memories that triggers keep right with each write, so that statistics
 * cost the same at any size. A count of zero has no row, so no text of an erased memory stays in them.
 *
 * tag_count, source_count, conversation_count: memories of each; the empty source is left out.
 * day_count: the day of creation since 1970 in UTC; quarters = JSON object from the quarter hour of the day to its memories.
 * total_count: turns = memories that are turns of conversations, conversations = rows of conversation_count.
 * pending_count: rows of `pending` for each model.
 */
const SCHEMA_9 = `
CREATE INDEX memory_by_truth ON memory (state, ${TRUE_AT.replaceAll('m.', '')});

CREATE TABLE tag_count (tag TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX tag_count_in_order ON tag_count (count DESC, tag);
CREATE TABLE source_count (source TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX source_count_in_order ON source_count (count DESC, source);
CREATE TABLE conversation_count (
  client TEXT NOT NULL, session TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (client, session)
) STRICT, WITHOUT ROWID;
CREATE TABLE day_count (day INTEGER PRIMARY KEY, quarters TEXT NOT NULL) STRICT;
CREATE TABLE total_count (name TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE pending_count (model INTEGER PRIMARY KEY, count INTEGER NOT NULL) STRICT;
`;

/** Statements that count a memory of a trigger when it is live. */
const COUNT_NEW = `
  INSERT INTO source_count (source, count) SELECT NEW.source, 1 WHERE NEW.state = 'live' AND NEW.source <> ''
    ON CONFLICT (source) DO UPDATE SET count = count + 1;
  INSERT INTO conversation_count (client, session, count)
    SELECT NEW.client, NEW.session, 1 WHERE NEW.state = 'live' AND NEW.session IS NOT NULL
    ON CONFLICT (client, session) DO UPDATE SET count = count + 1;
  INSERT INTO total_count (name, count) SELECT 'turns', 1 WHERE NEW.state = 'live' AND NEW.kind = 'conversation'
    ON CONFLICT (name) DO UPDATE SET count = count + 1;
  INSERT INTO day_count (day, quarters)
    SELECT ${dayOf('NEW.created_at')}, json_object(${quarterOf('NEW.created_at')}, 1) WHERE NEW.state = 'live'
    ON CONFLICT (day) DO UPDATE SET quarters = json_set(quarters, '$.' || ${quarterOf('NEW.created_at')},
      coalesce(quarters ->> ('$.' || ${quarterOf('NEW.created_at')}), 0) + 1);`;

/** The opposite. */
const DISCOUNT_OLD = `
  UPDATE source_count SET count = count - 1 WHERE OLD.state = 'live' AND source = OLD.source;
  DELETE FROM source_count WHERE source = OLD.source AND count = 0;
  UPDATE conversation_count SET count = count - 1
    WHERE OLD.state = 'live' AND client = OLD.client AND session = OLD.session;
  DELETE FROM conversation_count WHERE client = OLD.client AND session = OLD.session AND count = 0;
  UPDATE total_count SET count = count - 1 WHERE OLD.state = 'live' AND OLD.kind = 'conversation' AND name = 'turns';
  UPDATE day_count SET quarters =
      CASE quarters ->> ('$.' || ${quarterOf('OLD.created_at')})
        WHEN 1 THEN json_remove(quarters, '$.' || ${quarterOf('OLD.created_at')})
        ELSE json_set(quarters, '$.' || ${quarterOf('OLD.created_at')}, (quarters ->> ('$.' || ${quarterOf('OLD.created_at')})) - 1) END
    WHERE OLD.state = 'live' AND day = ${dayOf('OLD.created_at')};
  DELETE FROM day_count WHERE day = ${dayOf('OLD.created_at')} AND quarters = '{}';`;

const COUNTED = ['state', 'source', 'created_at', 'kind', 'client', 'session'];
const counted = (row: string): string => `(${COUNTED.map((column) => `${row}.${column}`).join(', ')})`;

const TRIGGERS = `
CREATE TRIGGER tag_added AFTER INSERT ON tag WHEN NEW.live = 1 BEGIN
  INSERT INTO tag_count (tag, count) VALUES (NEW.tag, 1) ON CONFLICT (tag) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER tag_removed AFTER DELETE ON tag WHEN OLD.live = 1 BEGIN
  UPDATE tag_count SET count = count - 1 WHERE tag = OLD.tag;
  DELETE FROM tag_count WHERE tag = OLD.tag AND count = 0;
END;
CREATE TRIGGER memory_added AFTER INSERT ON memory WHEN NEW.state = 'live' BEGIN ${COUNT_NEW} END;
CREATE TRIGGER memory_changed AFTER UPDATE OF ${COUNTED.join(', ')} ON memory
  WHEN (OLD.state = 'live' OR NEW.state = 'live') AND ${counted('OLD')} IS NOT ${counted('NEW')}
BEGIN ${DISCOUNT_OLD} ${COUNT_NEW} END;
CREATE TRIGGER conversation_added AFTER INSERT ON conversation_count BEGIN
  INSERT INTO total_count (name, count) VALUES ('conversations', 1) ON CONFLICT (name) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER conversation_removed AFTER DELETE ON conversation_count BEGIN
  UPDATE total_count SET count = count - 1 WHERE name = 'conversations';
END;
CREATE TRIGGER pending_added AFTER INSERT ON pending BEGIN
  INSERT INTO pending_count (model, count) VALUES (NEW.model, 1) ON CONFLICT (model) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER pending_removed AFTER DELETE ON pending BEGIN
  UPDATE pending_count SET count = count - 1 WHERE model = OLD.model;
  DELETE FROM pending_count WHERE model = OLD.model AND count = 0;
END;
`;

/** Of a version: it is the current one of a live memory. */
const isShown = (key: string): string =>
  `EXISTS (SELECT 1 FROM version v JOIN memory m ON m.num = v.num WHERE v.key = ${key} AND m.current = v.key AND m.state = 'live')`;
/**
 * The model of the row of `without_tokens_count` has chunks of this version that wait for token vectors. With the plus,
 * SQLite does not read all chunks that wait, but those of the version.
 */
const waits = (key: string, other = 'TRUE'): string =>
  `EXISTS (SELECT 1 FROM chunk c WHERE c.version = ${key} AND c.model = without_tokens_count.model AND +c.tokens >= 0 AND ${other})`;
/** Counts a chunk of a trigger that is the only one of its memory that waits. */
const countChunk = (row: string, step: string): string => `
  UPDATE without_tokens_count SET count = count ${step} WHERE model = ${row}.model AND ${row}.tokens >= 0
    AND NOT ${waits(`${row}.version`, `c.label <> ${row}.label`)} AND ${isShown(`${row}.version`)};`;
const countMemory = (row: string, step: string): string => `
  UPDATE without_tokens_count SET count = count ${step} WHERE ${row}.state = 'live' AND ${waits(`${row}.current`)};`;

/** Row `model` of the counts of memories without token vectors. */
const WITHOUT_TOKENS = `SELECT s.model, (SELECT count(DISTINCT c.version) FROM chunk c INDEXED BY chunk_without_tokens
    CROSS JOIN version v ON v.key = c.version CROSS JOIN memory m ON m.num = v.num
    WHERE c.model = s.model AND c.tokens >= 0 AND m.current = v.key AND m.state = 'live') AS count FROM token_space s`;

/**
 * Schema version 11: without_tokens_count = live memories with vectors whose token vectors are still to be made, one row
 * for each row of `token_space`.
 */
const SCHEMA_11 = `
CREATE TABLE without_tokens_count (model INTEGER PRIMARY KEY, count INTEGER NOT NULL) STRICT;
CREATE TRIGGER token_space_added AFTER INSERT ON token_space BEGIN
  INSERT INTO without_tokens_count (model, count) ${WITHOUT_TOKENS} WHERE s.model = NEW.model;
END;
CREATE TRIGGER token_space_removed AFTER DELETE ON token_space BEGIN
  DELETE FROM without_tokens_count WHERE model = OLD.model;
END;
CREATE TRIGGER chunk_added AFTER INSERT ON chunk WHEN NEW.tokens >= 0 BEGIN ${countChunk('NEW', '+ 1')} END;
CREATE TRIGGER chunk_uncounted AFTER DELETE ON chunk WHEN OLD.tokens >= 0 BEGIN ${countChunk('OLD', '- 1')} END;
CREATE TRIGGER chunk_changed AFTER UPDATE OF version, tokens ON chunk
  WHEN (OLD.version, OLD.tokens >= 0) IS NOT (NEW.version, NEW.tokens >= 0)
BEGIN ${countChunk('OLD', '- 1')} ${countChunk('NEW', '+ 1')} END;
CREATE TRIGGER memory_shown AFTER INSERT ON memory BEGIN ${countMemory('NEW', '+ 1')} END;
CREATE TRIGGER memory_replaced AFTER UPDATE OF state, current ON memory
  WHEN (OLD.state = 'live', OLD.current) IS NOT (NEW.state = 'live', NEW.current)
BEGIN ${countMemory('OLD', '- 1')} ${countMemory('NEW', '+ 1')} END;
`;

/** For each table of counts, its name and its rows as they should be. */
const EXPECTED = {
  tag_count: 'SELECT tag, count(*) AS count FROM tag WHERE live = 1 GROUP BY tag',
  source_count: `SELECT source, count(*) AS count FROM memory WHERE state = 'live' AND source <> '' GROUP BY source`,
  conversation_count: `SELECT client, session, count(*) AS count FROM memory
    WHERE state = 'live' AND session IS NOT NULL GROUP BY client, session`,
  day_count: `SELECT day, json_group_object(quarter, count) AS quarters FROM (
      SELECT ${dayOf('created_at')} AS day, ${quarterOf('created_at')} AS quarter, count(*) AS count
      FROM memory WHERE state = 'live' GROUP BY day, quarter) GROUP BY day`,
  total_count: `SELECT 'turns' AS name, count(*) AS count FROM memory WHERE state = 'live' AND kind = 'conversation'
    UNION ALL SELECT 'conversations', count(*) FROM (SELECT DISTINCT client, session FROM memory
      WHERE state = 'live' AND session IS NOT NULL)`,
  pending_count: 'SELECT model, count(*) AS count FROM pending GROUP BY model',
  without_tokens_count: WITHOUT_TOKENS,
} as const;

/** Adds the index and the counts. */
export function addCounts(connection: Connection): void {
  connection.exec(SCHEMA_9);
  connection.exec(TRIGGERS);
  for (const [table, rows] of Object.entries(EXPECTED))
    if (table !== 'without_tokens_count') countAnew(connection, table, rows);
}

export function addTokenCounts(connection: Connection): void {
  connection.exec(SCHEMA_11);
  countAnew(connection, 'without_tokens_count', WITHOUT_TOKENS);
}

/** Counts everything anew. */
export function recount(connection: Connection): void {
  // The trigger of `conversation_count` changes the totals, which are counted afterwards.
  for (const [table, rows] of Object.entries(EXPECTED)) countAnew(connection, table, rows);
}

function countAnew(connection: Connection, table: string, rows: string): void {
  connection.exec(`DELETE FROM ${table}; INSERT INTO ${table} ${rows}`);
}

/** The tables whose counts differ from the rows that they count. */
export function wrongCounts(connection: Connection): string[] {
  return Object.entries(EXPECTED).flatMap(([table, rows]) => {
    const kept = withoutOrder(table, `SELECT * FROM ${table}`);
    const found = withoutOrder(table, rows);
    const different = new Query<[], { rows: number }>(
      `WITH kept AS MATERIALIZED (${kept}), found AS MATERIALIZED (${found})
       SELECT (SELECT count(*) FROM (SELECT * FROM kept EXCEPT SELECT * FROM found))
            + (SELECT count(*) FROM (SELECT * FROM found EXCEPT SELECT * FROM kept)) AS rows`,
    ).get(connection)?.rows;
    return different === 0
      ? []
      : [`the table ${table} differs from what it counts in ${different ?? 0} rows`];
  });
}

/** The members of a JSON object have the order in which they came, and a total that was zero from the start has no row. */
function withoutOrder(table: string, rows: string): string {
  if (table === 'total_count') return `SELECT * FROM (${rows}) WHERE count <> 0`;
  if (table !== 'day_count') return rows;
  return `SELECT d.day, CAST(q.key AS INTEGER) AS quarter, q.value FROM (${rows}) d, json_each(d.quarters) q`;
}

const selectTags = new Query<[], { tag: string; count: number }>(
  'SELECT tag, count FROM tag_count ORDER BY count DESC, tag LIMIT 50',
);
const selectSources = new Query<[], { source: string; count: number }>(
  'SELECT source, count FROM source_count ORDER BY count DESC, source LIMIT 20',
);
const selectTotal = new Query<[name: string], { count: number }>(
  'SELECT count FROM total_count WHERE name = ?',
);

/** The statistics of live memories. */
export function readCounts(
  connection: Connection,
): Pick<StoreStats, 'tags' | 'sources' | 'turns' | 'conversations'> {
  return {
    tags: selectTags.all(connection).map(({ tag, count }) => ({ tag, count })),
    sources: selectSources.all(connection).map(({ source, count }) => ({ source, count })),
    turns: selectTotal.get(connection, 'turns')?.count ?? 0,
    conversations: selectTotal.get(connection, 'conversations')?.count ?? 0,
  };
}

interface CountedDay {
  /** Days since 1970 in UTC. */
  readonly day: number;
  /** From each quarter hour of the day that has some to its memories. */
  readonly quarters: Readonly<Record<number, number>>;
}

const selectDays = new Query<[first: number, last: number], [day: number, quarters: string]>(
  'SELECT day, quarters FROM day_count WHERE day BETWEEN ? AND ? ORDER BY day',
);

export function countedDays(connection: Connection, first: number, last: number): CountedDay[] {
  return selectDays.arrays(connection, first, last).map(([day, quarters]) => ({
    day,
    // Only the statements of this file write the column.
    quarters: JSON.parse(quarters) as Record<number, number>,
  }));
}
