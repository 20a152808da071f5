import { createHash } from 'node:crypto';
import type { MemoryFilter } from '../../memory/filter.ts';
import { canonicalJson, type JsonValue, type MemoryContent } from '../../memory/version.ts';
import { type Connection, Query, type SqlValue } from './connection.ts';

/** A condition on the table `memory` under the alias `m`; `sql` is never empty. */
export interface Condition {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
}

/**
 * How SQL checks conditions on tags and metadata. set: finds the matching memories first, best when they can lead the
 * query. each: checks each row separately, best for few rows.
 */
type Lookup = 'set' | 'each';

/** True when the filter has no condition. */
export function matchesAll(filter: MemoryFilter): boolean {
  return conditions(filter, { live: 1, lookup: 'set' }).length === 0;
}

/** Compiles a filter to SQL. @param live true for searchable memories, false for the trash */
export function filterCondition(filter: MemoryFilter, live: boolean, lookup: Lookup = 'set'): Condition {
  return all(conditions(filter, { live: live ? 1 : 0, lookup }));
}

function all(conditions: readonly Condition[]): Condition {
  return {
    sql: conditions.length === 0 ? 'TRUE' : conditions.map(({ sql }) => sql).join(' AND '),
    parameters: conditions.flatMap(({ parameters }) => parameters),
  };
}

interface FacetLookup {
  readonly live: 0 | 1;
  readonly lookup: Lookup;
}

function conditions(filter: MemoryFilter, facets: FacetLookup): Condition[] {
  return [
    ...facetRows(facets.live, filter).map((rows) => inFacet(facets, rows)),
    ...sourcePrefix(facets.live === 1 ? 'm.source' : SOURCE_IN_TRASH, filter.sourcePrefix ?? ''),
    ...bound('m.created_at >= ?', filter.createdAfter),
    ...bound('m.created_at <= ?', filter.createdBefore),
    ...bound('m.updated_at >= ?', filter.updatedAfter),
    ...bound('m.updated_at <= ?', filter.updatedBefore),
    ...attributeConditions(filter),
  ];
}

function attributeConditions(filter: MemoryFilter): Condition[] {
  return [
    ...bound('m.kind = ?', filter.kind),
    ...bound('m.session = ?', filter.session),
    ...bound('m.client = ?', filter.client),
    ...bound('m.occurred_at >= ?', filter.occurredAfter),
    ...bound('m.occurred_at <= ?', filter.occurredBefore),
    ...bound('(m.expires_at IS NULL OR m.expires_at > ?)', filter.unexpiredAt),
    ...bound('m.expires_at <= ?', filter.expiredAt),
    ...(filter.pinned === undefined ? [] : bound('m.pinned = ?', filter.pinned ? 1 : 0)),
    ...finite(`${TRUE_AT} >= ?`, filter.during?.start),
    ...finite(`${TRUE_AT} <= ?`, filter.during?.end),
  ];
}

/** When a memory was true, as far as it says so. */
export const TRUE_AT = 'coalesce(m.occurred_at, m.created_at)';

function finite(sql: string, bound: number | undefined): Condition[] {
  return bound === undefined || !Number.isFinite(bound) ? [] : [{ sql, parameters: [bound] }];
}

const findKind = new Query<[kind: string], { num: number }>(
  `SELECT num FROM memory WHERE state = 'live' AND kind = ? LIMIT 1`,
);
/** By name, because SQLite would read all live memories instead. */
const findExpired = new Query<[at: number], { num: number }>(
  `SELECT num FROM memory INDEXED BY memory_by_expiry WHERE state = 'live' AND expires_at <= ? LIMIT 1`,
);

/**
 * The same filter without the conditions that hold for every live memory of this store, such as `kind: 'fact'` where
 * there is no conversation: a search without a condition is faster.
 */
export function withoutIdleConditions(connection: Connection, filter: MemoryFilter): MemoryFilter {
  const { kind, unexpiredAt, ...others } = filter;
  const otherKind = kind === 'fact' ? 'conversation' : 'fact';
  const tellsKind = kind !== undefined && findKind.get(connection, otherKind) !== undefined;
  const tellsExpiry = unexpiredAt !== undefined && findExpired.get(connection, unexpiredAt) !== undefined;
  return { ...others, ...(tellsKind ? { kind } : {}), ...(tellsExpiry ? { unexpiredAt } : {}) };
}

/** A condition whose memories an index gives without a look at them. */
export interface IndexedCondition {
  /** For each memory `m`. */
  readonly each: Condition;
  /** A statement for the numbers of all live memories that hold it, perhaps of others too, and perhaps some twice. */
  readonly nums: Condition;
}

export function indexedConditions(filter: MemoryFilter): IndexedCondition[] {
  return [
    ...facetRows(1, filter).map((rows) => ({
      each: inFacet({ live: 1, lookup: 'each' }, rows),
      nums: { ...rows, sql: `SELECT f.num ${rows.sql}` },
    })),
    ...indexed('memory_by_source', LIVE, sourcePrefix('m.source', filter.sourcePrefix ?? '')),
    ...indexed('memory_by_creation', LIVE, [
      ...bound('m.created_at >= ?', filter.createdAfter),
      ...bound('m.created_at <= ?', filter.createdBefore),
    ]),
    ...indexed('memory_by_update', LIVE, [
      ...bound('m.updated_at >= ?', filter.updatedAfter),
      ...bound('m.updated_at <= ?', filter.updatedBefore),
    ]),
    ...indexed('memory_by_truth', LIVE, [
      ...finite(`${TRUE_AT} >= ?`, filter.during?.start),
      ...finite(`${TRUE_AT} <= ?`, filter.during?.end),
    ]),
    ...indexed('memory_by_kind', LIVE, bound('m.kind = ?', filter.kind)),
    ...indexed('memory_by_session', 'm.session IS NOT NULL', bound('m.session = ?', filter.session)),
    ...indexed('memory_by_conversation', 'm.session IS NOT NULL', bound('m.client = ?', filter.client)),
    ...indexed('memory_by_occurrence', 'm.occurred_at IS NOT NULL', [
      ...bound('m.occurred_at >= ?', filter.occurredAfter),
      ...bound('m.occurred_at <= ?', filter.occurredBefore),
    ]),
    ...indexed('memory_by_expiry', 'm.expires_at IS NOT NULL', bound('m.expires_at <= ?', filter.expiredAt)),
    ...indexed('memory_by_pin', 'm.pinned = 1', filter.pinned === true ? [TRUE] : []),
  ];
}

const LIVE = `m.state = 'live'`;
const TRUE: Condition = { sql: 'TRUE', parameters: [] };

function indexed(index: string, rows: string, conditions: readonly Condition[]): IndexedCondition[] {
  if (conditions.length === 0) return [];
  const each = all(conditions);
  const sql = `SELECT m.num FROM memory m INDEXED BY ${index} WHERE ${rows} AND ${each.sql}`;
  return [{ each, nums: { ...each, sql } }];
}

/** For each condition on tags or metadata, the rows `f` of the memories that hold it. */
function facetRows(live: 0 | 1, { tagsAny, tagsAll = [], metadata = {} }: MemoryFilter): Condition[] {
  const tags = tagsAny === undefined ? [] : [tagsAny];
  return [
    ...[...tags, ...tagsAll.map((tag) => [tag])].map((anyOf) => ({
      sql: `FROM tag f WHERE f.live = ${live} AND f.tag IN (${anyOf.map(() => '?').join(', ')})`,
      parameters: anyOf,
    })),
    ...Object.entries(metadata).map(([name, value]) => ({
      sql: `FROM attribute f WHERE f.live = ${live} AND f.name = ? AND f.value = ?`,
      parameters: [name, attributeValue(value)],
    })),
  ];
}

function inFacet({ lookup }: FacetLookup, rows: Condition): Condition {
  return {
    sql:
      lookup === 'set'
        ? `m.num IN (SELECT f.num ${rows.sql})`
        : `EXISTS (SELECT 1 ${rows.sql} AND f.num = m.num)`,
    parameters: rows.parameters,
  };
}

function bound(sql: string, value: SqlValue | undefined): Condition[] {
  return value === undefined ? [] : [{ sql, parameters: [value] }];
}

/** The trash also shows hidden memories, whose row in `memory` has no content. */
const SOURCE_IN_TRASH = 'coalesce((SELECT h.source FROM hidden h WHERE h.num = m.num), m.source)';

/** A range, which can use an index. LIKE would ignore case and treat `%` and `_` as wildcards. */
function sourcePrefix(column: string, prefix: string): Condition[] {
  if (prefix === '') return [];
  const end = prefixEnd(prefix);
  const from = bounded(`${column} >= ?`, prefix);
  return end === null ? [from] : [from, bounded(`${column} < ?`, end)];
}

function bounded(sql: string, value: string): Condition {
  return { sql, parameters: [value] };
}

const LAST_CODE_POINT = 0x10ffff;
const FIRST_SURROGATE = 0xd800;
const AFTER_SURROGATES = 0xe000;

/** The smallest text in code-point order that is greater than every text with this prefix; null = none. */
function prefixEnd(prefix: string): string | null {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  while (points.length > 0) {
    const last = points.pop() ?? 0;
    if (last < LAST_CODE_POINT) {
      const next = last + 1;
      return String.fromCodePoint(...points, next === FIRST_SURROGATE ? AFTER_SURROGATES : next);
    }
  }
  return null;
}

const MAX_INDEXED_LENGTH = 200;

const insertTag = new Query<[live: number, tag: string, num: number]>(
  'INSERT INTO tag (live, tag, num) VALUES (?, ?, ?)',
);
const deleteTag = new Query<[live: number, tag: string, num: number]>(
  'DELETE FROM tag WHERE live = ? AND tag = ? AND num = ?',
);
const insertAttribute = new Query<[live: number, name: string, value: string, num: number]>(
  'INSERT INTO attribute (live, name, value, num) VALUES (?, ?, ?, ?)',
);
const deleteAttribute = new Query<[live: number, name: string, value: string, num: number]>(
  'DELETE FROM attribute WHERE live = ? AND name = ? AND value = ? AND num = ?',
);

/** Tags and metadata of a memory for filters; `live` separates searchable memories from the trash. */
export interface Facets {
  readonly live: boolean;
  readonly content: Pick<MemoryContent, 'tags' | 'metadata'>;
}

/** Rows of the tables `tag` and `attribute`. */
export interface FacetRows {
  readonly tags: [live: number, tag: string, num: number][];
  readonly attributes: [live: number, name: string, value: string, num: number][];
}

export function rowsOfFacets(num: number, facets: Facets): FacetRows {
  const live = facets.live ? 1 : 0;
  return {
    tags: facets.content.tags.map((tag) => [live, tag, num]),
    attributes: attributes(facets).map(([name, value]) => [live, name, value, num]),
  };
}

export function addFacets(connection: Connection, num: number, facets: Facets): void {
  const rows = rowsOfFacets(num, facets);
  for (const row of rows.tags) insertTag.run(connection, ...row);
  for (const row of rows.attributes) insertAttribute.run(connection, ...row);
}

export function removeFacets(connection: Connection, num: number, facets: Facets): void {
  const live = facets.live ? 1 : 0;
  for (const tag of facets.content.tags) deleteTag.run(connection, live, tag, num);
  for (const [name, value] of attributes(facets)) deleteAttribute.run(connection, live, name, value, num);
}

function attributes({ content }: Facets): [name: string, value: string][] {
  return Object.entries(content.metadata).map(([name, value]) => [name, attributeValue(value)]);
}

/** A text for comparing metadata values: equal values give equal texts. Long values are hashed. */
export function attributeValue(value: JsonValue): string {
  const json = canonicalJson(value);
  if (json.length <= MAX_INDEXED_LENGTH) return json;
  return `sha256:${createHash('sha256').update(json).digest('hex')}`;
}
