import { expect, test } from 'vitest';
import { exponentOf } from '../../bench/groups/growth.ts';
import { type Group, GROUPS, joinedResults } from '../../bench/lib/results.ts';
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

test('a run of one group keeps the rows of the others, and the page says of which run it is', () => {
  const before = publishedResults();
  const row = { measured: '9 ms', budget: '10 ms', reference: '', ok: true };
  const team = { ...row, group: 'team', what: 'teams' } as const;
  const run = { ...before, date: '2031-02-03', rows: [team], growth: [] };
  const once = joinedResults(before, run, ['team']);
  expect(once.rows).toEqual([...before.rows.filter(({ group }) => group !== 'team'), team]);
  expect([once.date, once.growth, once.others?.team?.date]).toEqual([
    before.date,
    before.growth,
    '2031-02-03',
  ]);
  const lines = performancePage(once).split('\n');
  expect(lines[lines.indexOf('## A team: servers on PostgreSQL, and spaces') + 2]).toMatch(
    /^Of a run on 2031-02-03/,
  );
  // A whole run replaces the facts of the page, and leaves the group that it does not measure.
  const usual = (Object.keys(GROUPS) as Group[]).filter((group) => group !== 'team');
  const all = { ...before, date: '2032-01-01', rows: usual.map((group) => ({ ...row, group, what: 'new' })) };
  const twice = joinedResults(once, all, usual);
  expect(twice.rows).toEqual([team, ...all.rows]);
  expect([twice.date, Object.keys(twice.others ?? {}), twice.others?.team?.date]).toEqual([
    '2032-01-01',
    ['team'],
    '2031-02-03',
  ]);
});

test('the page names no run of which no row is left', () => {
  const before = publishedResults();
  const groups = [...new Set(before.rows.map(({ group }) => group))];
  const replaced = groups.reduce((results, group, day) => {
    const rows = results.rows.filter((row) => row.group === group);
    const date = day === 0 ? '2031-01-01' : '2031-02-02';
    return joinedResults(results, { ...before, date, rows }, [group]);
  }, before);
  expect(replaced.date).toBe('2031-02-02');
  expect(Object.keys(replaced.others ?? {})).toEqual(groups.slice(0, 1));
  expect(performancePage(replaced)).not.toContain(before.date);
});
