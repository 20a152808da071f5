import type { MemoryFilter } from '../../memory/filter.ts';
import { attributeValue } from './facets.ts';
import type { SqlValue } from './query.ts';

/** A condition on the table `memory` under the alias `m`; `sql` is never empty. */
export interface Condition {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
}

/** True when every memory matches. */
export function matchesAll(filter: MemoryFilter): boolean {
  return conditions(filter, true).length === 0;
}

/** Compiles a filter. @param live whether searchable memories are meant, or those in the trash */
export function filterCondition(filter: MemoryFilter, live: boolean): Condition {
  const all = conditions(filter, live);
  return {
    sql: all.length === 0 ? 'TRUE' : all.map(({ sql }) => sql).join(' AND '),
    parameters: all.flatMap(({ parameters }) => parameters),
  };
}

function conditions(filter: MemoryFilter, live: boolean): Condition[] {
  const flag = live ? 1 : 0;
  const attributes = Object.entries(filter.metadata ?? {});
  return [
    ...(filter.tagsAny === undefined ? [] : [anyTag(flag, filter.tagsAny)]),
    ...(filter.tagsAll ?? []).map((tag) => anyTag(flag, [tag])),
    ...attributes.map(([name, value]) => ({
      sql: 'm.num IN (SELECT num FROM attribute WHERE live = ? AND name = ? AND value = ?)',
      parameters: [flag, name, attributeValue(value)],
    })),
    ...sourcePrefix(filter.sourcePrefix ?? ''),
    ...bound('m.created_at >= ?', filter.createdAfter),
    ...bound('m.created_at <= ?', filter.createdBefore),
    ...bound('m.updated_at >= ?', filter.updatedAfter),
    ...bound('m.updated_at <= ?', filter.updatedBefore),
  ];
}

function anyTag(flag: number, tags: readonly string[]): Condition {
  const marks = tags.map(() => '?').join(', ');
  return {
    sql: `m.num IN (SELECT num FROM tag WHERE live = ? AND tag IN (${marks}))`,
    parameters: [flag, ...tags],
  };
}

function bound(sql: string, value: number | undefined): Condition[] {
  return value === undefined ? [] : [{ sql, parameters: [value] }];
}

/** A range, because an index can serve it; LIKE would ignore case and treat `%` and `_` as wildcards. */
function sourcePrefix(prefix: string): Condition[] {
  if (prefix === '') return [];
  const end = prefixEnd(prefix);
  const from = bounded('m.source >= ?', prefix);
  return end === null ? [from] : [from, bounded('m.source < ?', end)];
}

function bounded(sql: string, value: string): Condition {
  return { sql, parameters: [value] };
}

const LAST_CODE_POINT = 0x10ffff;
const FIRST_SURROGATE = 0xd800;
const AFTER_SURROGATES = 0xe000;

/** The least text in code-point order that is greater than every text with this prefix; null when there is none. */
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
