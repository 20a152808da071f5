import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BIG_SEGMENT_BYTES,
  isMostlySuperseded,
  planMerges,
  planRewrites,
  type SegmentSize,
} from '../../../src/backup/repository/compaction.ts';

const KIB = 1024;
const segment = (plainBytes: number): SegmentSize => ({ plainBytes, rows: Math.ceil(plainBytes / KIB) });

/** Adds one segment and merges as planned; returns the bytes written. No row supersedes another: the worst case. */
function add(segments: SegmentSize[], plainBytes: number): number {
  segments.push(segment(plainBytes));
  let written = plainBytes;
  for (const { from, to } of planMerges(segments).reverse()) {
    const bytes = segments.slice(from, to).reduce((sum, part) => sum + part.plainBytes, 0);
    written += bytes;
    const whole: SegmentSize[] = [];
    for (let left = bytes; left > 0; left -= 2 * BIG_SEGMENT_BYTES) {
      whole.push(segment(Math.min(left, 2 * BIG_SEGMENT_BYTES)));
    }
    segments.splice(from, to - from, ...whole);
  }
  return written;
}

describe('planMerges', () => {
  test('leaves seven small segments alone and merges eight', () => {
    expect(planMerges(Array.from({ length: 7 }, () => segment(KIB)))).toEqual([]);
    expect(planMerges(Array.from({ length: 8 }, () => segment(KIB)))).toEqual([{ from: 0, to: 8 }]);
  });

  test('takes what a merge completes into the same merge', () => {
    const seven = Array.from({ length: 7 }, () => segment(32 * KIB));
    const eight = Array.from({ length: 8 }, () => segment(4 * KIB));
    expect(planMerges([...seven, ...eight])).toEqual([{ from: 0, to: 15 }]);
  });

  test('never touches big segments', () => {
    const small = Array.from({ length: 8 }, () => segment(KIB));
    const big = segment(BIG_SEGMENT_BYTES + 1);
    expect(planMerges([big, ...small, big, ...small.slice(1)])).toEqual([{ from: 1, to: 9 }]);
    expect(planMerges(Array.from({ length: 50 }, () => big))).toEqual([]);
  });

  test('writes O(change · log n) bytes and keeps O(log n) segments', () => {
    const size = fc.oneof(
      { weight: 20, arbitrary: fc.integer({ min: 200, max: 8 * KIB }) },
      { weight: 3, arbitrary: fc.integer({ min: 8 * KIB, max: 512 * KIB }) },
      { weight: 1, arbitrary: fc.integer({ min: 512 * KIB, max: 12 * 1024 * KIB }) },
    );
    const sizes = fc.oneof(
      fc.array(size, { minLength: 200, maxLength: 1_500, size: 'max' }),
      // A few sizes in turn: the pattern that could hide small segments between larger ones.
      fc
        .array(size, { minLength: 1, maxLength: 4 })
        .map((pattern) => Array.from({ length: 1_500 }, (_, index) => pattern[index % pattern.length] ?? 1)),
    );
    fc.assert(
      fc.property(sizes, (changes) => {
        const segments: SegmentSize[] = [];
        let written = 0;
        for (const bytes of changes) {
          written += add(segments, bytes);
          const big = segments.filter(({ plainBytes }) => plainBytes > BIG_SEGMENT_BYTES).length;
          expect(segments.length - big).toBeLessThanOrEqual(7 * 5 * (big + 1));
        }
        const changed = changes.reduce((sum, bytes) => sum + Math.max(bytes, 4 * KIB), 0);
        expect(written).toBeLessThanOrEqual(8 * changed);
      }),
      { numRuns: 60 },
    );
  });
});

describe('superseded rows', () => {
  const hundred = { plainBytes: 100 * KIB, rows: 100 };

  test('are looked for when they are more than half', () => {
    expect(isMostlySuperseded([hundred, hundred], 100)).toBe(false);
    expect(isMostlySuperseded([hundred, hundred, segment(KIB)], 100)).toBe(true);
    expect(isMostlySuperseded([], 0)).toBe(false);
  });

  test('are dropped from segments that lose over a quarter', () => {
    expect(planRewrites([hundred, hundred, hundred], [25, 26, 100])).toEqual([1, 2]);
  });

  test('are at most a quarter afterwards, so that the next count is far away', () => {
    const counted = fc.array(
      fc
        .integer({ min: 1, max: 1_000 })
        .chain((rows) => fc.tuple(fc.constant(rows), fc.integer({ min: 0, max: rows }))),
      { minLength: 1 },
    );
    fc.assert(
      fc.property(counted, (pairs) => {
        const segments = pairs.map(([rows]) => ({ plainBytes: rows * KIB, rows }));
        const superseded = pairs.map(([, count]) => count);
        const rewritten = new Set(planRewrites(segments, superseded));
        const after = pairs.map(([rows, count], index) =>
          rewritten.has(index) ? [rows - count, 0] : [rows, count],
        );
        const rows = after.reduce((sum, [count = 0]) => sum + count, 0);
        const left = after.reduce((sum, [, count = 0]) => sum + count, 0);
        expect(left * 4).toBeLessThanOrEqual(rows);
      }),
    );
  });
});
