import { attributesOf } from '../../memory/attributes.ts';
import type { Metadata } from '../../memory/version.ts';
import { type Connection, Query } from './connection.ts';

/**
 * Schema version 6: columns of `memory` for the facts in its metadata (src/memory/attributes.ts). The metadata is
 * the truth; the columns are derived from the current version, or from the content that is kept of a hidden memory.
 *
 * session, client, position: null for a fact. occurred_at, expires_at: milliseconds since the epoch.
 * pending.later: 1 for turns of conversations, which get their vectors after all facts.
 * supersedes: id of the memory that this one replaces, whether or not there is such a memory.
 */
const SCHEMA_6 = `
ALTER TABLE memory ADD COLUMN kind TEXT NOT NULL DEFAULT 'fact' CHECK (kind IN ('fact', 'conversation'));
ALTER TABLE memory ADD COLUMN session TEXT;
ALTER TABLE memory ADD COLUMN client TEXT;
ALTER TABLE memory ADD COLUMN position INTEGER;
ALTER TABLE memory ADD COLUMN occurred_at INTEGER;
ALTER TABLE memory ADD COLUMN expires_at INTEGER;
ALTER TABLE memory ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1));
ALTER TABLE memory ADD COLUMN supersedes TEXT;
CREATE INDEX memory_by_kind ON memory (state, kind, created_at);
CREATE INDEX memory_by_conversation ON memory (client, session, state, position, created_at)
  WHERE session IS NOT NULL;
CREATE INDEX memory_by_session ON memory (session) WHERE session IS NOT NULL;
CREATE INDEX memory_by_occurrence ON memory (occurred_at) WHERE occurred_at IS NOT NULL;
CREATE INDEX memory_by_expiry ON memory (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX memory_by_pin ON memory (created_at) WHERE pinned = 1;
CREATE INDEX memory_by_superseded ON memory (supersedes) WHERE supersedes IS NOT NULL;
ALTER TABLE pending ADD COLUMN later INTEGER NOT NULL DEFAULT 0 CHECK (later IN (0, 1));
CREATE INDEX pending_in_order ON pending (model, later, num);
`;

/** The columns in the order of `ATTRIBUTE_COLUMNS`. */
export type AttributeValues = [
  kind: string,
  session: string | null,
  client: string | null,
  position: number | null,
  occurredAt: number | null,
  expiresAt: number | null,
  pinned: number,
  supersedes: string | null,
];

export const ATTRIBUTE_COLUMNS = [
  'kind',
  'session',
  'client',
  'position',
  'occurred_at',
  'expires_at',
  'pinned',
  'supersedes',
] as const;

/** Of a memory without any well-known member. */
const NO_ATTRIBUTES: AttributeValues = ['fact', null, null, null, null, null, 0, null];

export function attributeValues(metadata: Metadata): AttributeValues {
  const { kind, conversation, occurredAt, expiresAt, pinned, supersedes } = attributesOf(metadata);
  return [
    kind,
    conversation?.session ?? null,
    conversation?.client ?? null,
    conversation?.position ?? null,
    occurredAt,
    expiresAt,
    pinned ? 1 : 0,
    supersedes,
  ];
}

const updateAttributes = new Query<[...values: AttributeValues, num: number]>(
  `UPDATE memory SET ${ATTRIBUTE_COLUMNS.map((column) => `${column} = ?`).join(', ')} WHERE num = ?`,
);

/** Writes the columns of a memory whose row is there already. */
export function storeAttributes(connection: Connection, num: number, metadata: Metadata | null): void {
  updateAttributes.run(connection, ...(metadata === null ? NO_ATTRIBUTES : attributeValues(metadata)), num);
}

/** Every member that can make a column differ from that of a memory without metadata. */
const TELLING_MEMBERS = ['kind', 'occurred_at', 'expires', 'pinned', 'supersedes'];
const FILLED_AT_ONCE = 500;

const selectTelling = new Query<[after: number, limit: number], { num: number; metadata: string }>(
  `SELECT m.num, coalesce(h.metadata, v.metadata) AS metadata
   FROM (SELECT DISTINCT num FROM attribute WHERE live IN (0, 1)
           AND name IN (${TELLING_MEMBERS.map((name) => `'${name}'`).join(', ')})) a
     JOIN memory m ON m.num = a.num JOIN version v ON v.key = m.current LEFT JOIN hidden h ON h.num = m.num
   WHERE m.num > ? ORDER BY m.num LIMIT ?`,
);

/** Adds the columns, and fills them for the memories that have one of the members; the others keep the defaults. */
export function addAttributeColumns(connection: Connection): void {
  connection.exec(SCHEMA_6);
  for (let after = 0; ;) {
    const rows = selectTelling.all(connection, after, FILLED_AT_ONCE);
    const last = rows.at(-1);
    if (last === undefined) break;
    // Only this store writes the column, from objects.
    for (const { num, metadata } of rows) storeAttributes(connection, num, JSON.parse(metadata) as Metadata);
    after = last.num;
  }
  connection.exec(
    `UPDATE pending SET later = 1 WHERE num IN (SELECT num FROM memory WHERE state = 'live' AND kind = 'conversation')`,
  );
}
