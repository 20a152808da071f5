import { type Connection, Query } from './connection.ts';

/**
 * The segments of the full-text index, of which FTS5 adds one with each write and merges four of a level. Who removes
 * the words of a memory, or looks for a word, looks into each of them.
 *
 * The number of a page has 16 bits for the segment, one for pages that say which page begins with which memory, 5 for
 * the level in a tree that is not used any more, and 31 for the place.
 */
const selectSegments = new Query<[], { pages: number }>(
  `WITH RECURSIVE segment (first) AS (
     SELECT min(id) FROM word_data WHERE id >= 1 << 37
     UNION ALL
     SELECT (SELECT min(id) FROM word_data WHERE id >= ((first >> 37) + 1) << 37) FROM segment WHERE first IS NOT NULL)
   SELECT (SELECT max(id) FROM word_data WHERE id < ((first >> 37) << 37) + (1 << 36)) - first + 1 AS pages
   FROM segment WHERE first IS NOT NULL`,
);
/** A negative number of pages begins to merge all segments into one; a positive one goes on with a merge. */
const mergePages = new Query<[pages: number]>(`INSERT INTO word (word, rank) VALUES ('merge', ?)`);
const selectChanges = new Query<[], { changes: number }>('SELECT total_changes() AS changes');

/** Fewer are left as they are. */
const FEW_SEGMENTS = 3;
/** All are merged when the others than the largest have this part of its pages, so that a memory is rewritten a few times. */
const WORTH_A_MERGE = 1 / 8;
/** Of one transaction, which takes about 10 ms. */
const PAGES_OF_A_STEP = 500;
/** Of one merge, however much is written meanwhile: several times those of a million memories. */
export const MOST_STEPS = 1_000;

/** The number of pages of each segment. */
export function segmentPages(connection: Connection): number[] {
  return selectSegments.all(connection).map(({ pages }) => pages);
}

/** True when a merge of all segments is worth its writes. */
export function wantsOneSegment(connection: Connection): boolean {
  const pages = segmentPages(connection);
  const largest = Math.max(0, ...pages);
  const all = pages.reduce((sum, count) => sum + count, 0);
  return pages.length >= FEW_SEGMENTS && all - largest >= WORTH_A_MERGE * largest;
}

/** One step of a merge of all segments. @returns whether there are more */
export function mergeStep(connection: Connection, isFirst: boolean): boolean {
  return merge(connection, isFirst ? -PAGES_OF_A_STEP : PAGES_OF_A_STEP);
}

/** Goes on with the merges that FTS5 has begun, for so many pages. @returns whether it did anything */
export function merge(connection: Connection, pages: number): boolean {
  const before = selectChanges.get(connection)?.changes ?? 0;
  mergePages.run(connection, pages);
  // One change is the statement itself.
  return (selectChanges.get(connection)?.changes ?? 0) - before > 1;
}
