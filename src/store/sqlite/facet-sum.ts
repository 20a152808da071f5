import { type Connection, Query } from './connection.ts';

/** One row of `tag`, whose value is empty, or of `attribute`. */
export type Facet = readonly [live: number, name: string, value: string, num: number];

const FIRST: Facet = [-1, '', '', 0];
const PAGE = 10_000;

/** In the order of the tables, so that each page begins where the one before it ended. */
const selectTags = new Query<[...Facet, limit: number], [...Facet]>(
  `SELECT live, tag, '', num FROM tag WHERE (live, tag, num) > (?1, ?2, ?4) AND ?3 = '' ORDER BY live, tag, num LIMIT ?5`,
);
const selectAttributes = new Query<[...Facet, limit: number], [...Facet]>(
  `SELECT live, name, value, num FROM attribute WHERE (live, name, value, num) > (?, ?, ?, ?)
   ORDER BY live, name, value, num LIMIT ?`,
);

/**
 * A sum of the rows of the filters in any order. Two sums of different rows are equal by chance in one of 2^64 cases,
 * and it is no protection against an attacker who wants that.
 */
export class FacetSum {
  #low = 0;
  #high = 0;

  add([live, name, value, num]: Facet): void {
    const seed = Math.imul(num, 0x9e3779b1) ^ live;
    this.#low = (this.#low + mixed(seed, name, value)) | 0;
    this.#high = (this.#high + mixed(~seed, value, name)) | 0;
  }

  equals(other: FacetSum): boolean {
    return this.#low === other.#low && this.#high === other.#high;
  }
}

function mixed(seed: number, ...texts: readonly string[]): number {
  let sum = seed;
  for (const text of texts) {
    for (let at = 0; at < text.length; at += 1) sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193);
    sum = Math.imul(sum ^ (sum >>> 15) ^ text.length, 0x85ebca6b);
  }
  return Math.imul(sum ^ (sum >>> 13), 0xc2b2ae35) ^ (sum >>> 16);
}

/** The sum of the rows that are there. */
export function facetSum(connection: Connection): FacetSum {
  const sum = new FacetSum();
  for (const select of [selectTags, selectAttributes]) {
    for (let after = FIRST, more = true; more;) {
      const rows = select.arrays(connection, ...after, PAGE);
      for (const row of rows) sum.add(row);
      after = rows.at(-1) ?? after;
      more = rows.length === PAGE;
    }
  }
  return sum;
}
