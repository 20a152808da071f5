import fc from 'fast-check';
import { expect, test } from 'vitest';
import { intoPeriods } from '../../../src/ui/map/into-periods.ts';

const DAY_MS = 86_400_000;

function dayAfter(start: number, days: number): string {
  return new Date(start + days * DAY_MS).toISOString().slice(0, 10);
}

test('has no period without a day', () => {
  expect(intoPeriods([])).toEqual({ periods: [], length: 1 });
});

test('counts days without a memory', () => {
  const days = [
    { day: '2026-02-27', added: 2 },
    { day: '2026-03-02', added: 3 },
  ];
  expect(intoPeriods(days)).toEqual({
    periods: [
      { day: '2026-02-27', added: 2, total: 2 },
      { day: '2026-02-28', added: 0, total: 2 },
      { day: '2026-03-01', added: 0, total: 2 },
      { day: '2026-03-02', added: 3, total: 5 },
    ],
    length: 1,
  });
});

test('joins days so that there are at most 60 equal periods, and loses no memory', () => {
  const gaps = fc.array(fc.record({ gap: fc.integer({ min: 1, max: 400 }), added: fc.nat(50) }), {
    minLength: 1,
  });
  fc.assert(
    fc.property(gaps, (steps) => {
      let at = 0;
      const days = steps.map(({ gap, added }) => ({ day: dayAfter(0, (at += gap)), added }));
      const { periods, length } = intoPeriods(days);
      expect(periods.length).toBeLessThanOrEqual(60);
      const all = days.reduce((sum, { added }) => sum + added, 0);
      expect(periods.at(-1)?.total).toBe(all);
      expect(periods.reduce((sum, { added }) => sum + added, 0)).toBe(all);
      const starts = periods.map(({ day }) => Date.parse(day) / DAY_MS);
      expect(starts.slice(1).every((start, index) => start - (starts[index] ?? 0) === length)).toBe(true);
    }),
  );
});
