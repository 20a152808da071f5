import { expect, test } from 'vitest';
import { exponentOf } from '../../bench/groups/growth.ts';
import { growthSvg, performancePage, publishedResults } from '../../scripts/docs/performance.ts';

test('the exponent of growth is 0 for what is flat, 1 for a scan, and 2 for pairs', () => {
  const sizes = [1_000, 10_000, 100_000, 300_000];
  const exponent = (time: (memories: number) => number): number =>
    exponentOf(sizes.map((memories) => [memories, time(memories)]));
  expect(exponent(() => 3)).toBeCloseTo(0);
  expect(exponent((memories) => memories / 250)).toBeCloseTo(1);
  expect(exponent((memories) => memories ** 2)).toBeCloseTo(2);
});

test('the page names what is over its budget, and says how many rows that are', () => {
  const results = publishedResults();
  const row = { group: 'store', what: 'a | b', measured: '9 ms', budget: '5 ms', reference: '' } as const;
  const page = performancePage({
    ...results,
    rows: [
      { ...row, ok: false },
      { ...row, ok: true },
    ],
  });
  expect(page).toContain('1 of 2 rows are over their budget');
  expect(page.split('\n').filter((line) => line.includes('**over**'))).toEqual([
    '| a \\| b | 9 ms |  | 5 ms | **over** |',
  ]);
});

test('the picture has a line for each operation, inside of its frame', () => {
  const growth = [
    {
      operation: 'slow',
      exponent: 1,
      points: [
        [1_000, 2],
        [10_000, 20],
      ],
    },
    {
      operation: 'flat',
      exponent: 0,
      points: [
        [1_000, 0.5],
        [10_000, 0.5],
      ],
    },
  ] as const;
  const svg = growthSvg({ ...publishedResults(), growth });
  const lines = [...svg.matchAll(/class="line"[^>]* d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)"/g)];
  const numbers = lines.flatMap(([, ...parts]) => parts.map(Number));
  expect(lines).toHaveLength(2);
  expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...numbers)).toBeLessThanOrEqual(760);
  expect(svg).toContain('slow (1.00)');
});
