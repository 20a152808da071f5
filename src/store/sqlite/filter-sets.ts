import type { MemoryFilter } from '../../memory/filter.ts';
import { type Connection, Query, type SqlValue } from './connection.ts';
import { type Condition, filterCondition, indexedConditions, type IndexedCondition } from './filter.ts';
import { readTotals } from './totals.ts';

/** Memories that are asked whether they match, to choose between plans. The choice changes no result. */
const SAMPLE = 100;
/** Multiples of the golden ratio, without their whole part, are spread evenly and without a period. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;
/** Without a set, a search that so few memories pass would have to look at too many. */
const LEAST_WITHOUT_SET = 0.1;

const selectLast = new Query<[], { num: number | null }>('SELECT max(num) AS num FROM memory');

/** How a search finds the memories that match a filter. */
export interface FilterPlan {
  /**
   * Numbers of memories, in any order, some perhaps twice: all that match and perhaps others, because it is made from
   * indexes alone. So the search checks those that it finds. Null = it looks among all memories.
   */
  readonly set: Int32Array | null;
  /** Estimate: the part of the set, or of all memories, that matches. */
  readonly pass: number;
}

interface Estimate {
  /** Part of the live memories that match the filter. */
  readonly all: number;
  /** The same for each of its indexed conditions. */
  readonly each: readonly number[];
}

/** Chooses plans for the filters of one search. Lives as long as a transaction, and reads no condition twice. */
export class FilterSets {
  readonly #connection: Connection;
  readonly #estimates = new Map<MemoryFilter, Estimate>();
  readonly #sets = new Map<string, Int32Array>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** @param most a set is worth its price when at most this part of the memories is in it */
  plan(filter: MemoryFilter, most: number): FilterPlan {
    const { all, each } = this.#estimate(filter);
    if (all > most) return { set: null, pass: all };
    const worth = indexedConditions(filter).filter((_, place) => (each[place] ?? 1) <= most);
    if (worth.length > 0) return this.#joined(worth, all);
    return all < LEAST_WITHOUT_SET ? this.whole(filter) : { set: null, pass: all };
  }

  /** The plan with the smallest set, whatever it costs to make. */
  whole(filter: MemoryFilter): FilterPlan {
    const conditions = indexedConditions(filter);
    if (conditions.length > 0) return this.#joined(conditions, this.#estimate(filter).all);
    const { sql, parameters } = filterCondition(filter, true);
    const scan = `SELECT m.num FROM memory m NOT INDEXED WHERE m.state = 'live' AND ${sql}`;
    return { set: this.#read({ sql: scan, parameters }), pass: 1 };
  }

  #joined(conditions: readonly IndexedCondition[], all: number): FilterPlan {
    const set = intersection(conditions.map(({ nums }) => this.#read(nums)));
    const live = Math.max(1, readTotals(this.#connection).live);
    return { set, pass: Math.min(1, Math.max(all, 1 / SAMPLE) / (set.length / live)) };
  }

  #estimate(filter: MemoryFilter): Estimate {
    const known = this.#estimates.get(filter);
    if (known !== undefined) return known;
    const conditions = [
      filterCondition(filter, true, 'each'),
      ...indexedConditions(filter).map(({ each }) => each),
    ];
    const columns = conditions.map(({ sql }, place) => `avg((${sql}) IS TRUE) AS part${place}`).join(', ');
    const parts = new Query<SqlValue[], Record<string, number | null>>(
      `SELECT ${columns} FROM json_each(?) sample CROSS JOIN memory m ON m.num = sample.value
       WHERE m.state = 'live'`,
    ).get(this.#connection, ...conditions.flatMap(({ parameters }) => parameters), this.#sample());
    const [all = 0, ...each] = conditions.map((_, place) => parts?.[`part${place}`] ?? 0);
    const estimate = { all, each };
    this.#estimates.set(filter, estimate);
    return estimate;
  }

  /**
   * Numbers as JSON. They lie everywhere, because memories that belong together were often added together, and not at
   * equal distances, because kinds of memories may take turns. They are the same each time, so SQLite has their pages.
   */
  #sample(): string {
    const last = selectLast.get(this.#connection)?.num ?? 0;
    const nums = Array.from({ length: SAMPLE }, (_, place) => 1 + Math.floor(((place * GOLDEN) % 1) * last));
    return JSON.stringify([...new Set(nums)]);
  }

  /** One JSON text, because rows take four times as long. */
  #read({ sql, parameters }: Condition): Int32Array {
    const key = JSON.stringify([sql, ...parameters]);
    const known = this.#sets.get(key);
    if (known !== undefined) return known;
    const row = new Query<SqlValue[], { nums: string }>(
      `SELECT json_group_array(num) AS nums FROM (${sql})`,
    ).get(this.#connection, ...parameters);
    const set = Int32Array.from(JSON.parse(row?.nums ?? '[]') as number[]);
    this.#sets.set(key, set);
    return set;
  }
}

/** @param sets at least one */
function intersection(sets: readonly Int32Array[]): Int32Array {
  const [smallest = new Int32Array(0), ...others] = [...sets].sort((a, b) => a.length - b.length);
  return others.reduce((left, set) => {
    const flags = flagsOf(set);
    return left.filter((num) => flags[num] === 1);
  }, smallest);
}

/** One byte for each number up to the greatest of the set, 1 for those that are in it. */
export function flagsOf(set: Int32Array): Uint8Array {
  let last = 0;
  for (const num of set) if (num > last) last = num;
  const flags = new Uint8Array(last + 1);
  for (const num of set) flags[num] = 1;
  return flags;
}
