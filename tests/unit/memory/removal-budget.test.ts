import { describe, expect, test } from 'vitest';
import { REMOVAL_LIMIT, spendRemovals } from '../../../src/memory/removal-budget.ts';
import type { JsonValue } from '../../../src/memory/version.ts';

const HOUR = 3_600_000;
const NOON = Date.UTC(2026, 0, 31, 12);

/** Merges one after the other into a store, until one is held. @returns the number of memories that are left */
function mergeUntilHeld(start: number, steps: readonly { hours: number; count: number }[]): number {
  let note: JsonValue | null = null;
  let live = start;
  for (const { hours, count } of steps) {
    const spent = spendRemovals(note, { now: NOON + hours * HOUR, count, live, limit: REMOVAL_LIMIT });
    if (spent.held) return live;
    note = spent.note;
    live -= count;
  }
  return live;
}

describe('the removals of a day', () => {
  test.each([
    ['one large step', 60, [{ hours: 0, count: 30 }], 60],
    ['20 of 60 three times', 60, [0, 1, 2].map((hours) => ({ hours, count: 20 })), 40],
    ['one by one', 60, Array.from({ length: 60 }, (_, hour) => ({ hours: hour / 10, count: 1 })), 40],
    ['a small share of many', 1_000, [0, 1, 2].map((hours) => ({ hours, count: 100 })), 700],
    ['more than that share', 1_000, [0, 1, 2, 3].map((hours) => ({ hours, count: 100 })), 700],
    ['a clock that was set back', 60, [0, -5, -3_000].map((hours) => ({ hours, count: 20 })), 40],
    ['after a day', 60, [0, 24, 48].map((hours) => ({ hours, count: 20 })), 0],
    ['just before a day has passed', 60, [0, 23].map((hours) => ({ hours, count: 20 })), 40],
  ])('%s', (_, start, steps, left) => {
    expect(mergeUntilHeld(start, steps)).toBe(left);
  });

  test('a merge that removes nothing is never held', () => {
    const { note } = spendRemovals(null, { now: NOON, count: 50, live: 60, limit: REMOVAL_LIMIT });
    const next = spendRemovals(note, { now: NOON, count: 0, live: 10, limit: REMOVAL_LIMIT });
    expect(next).toMatchObject({ held: false, lately: 50 });
  });

  test('a note that no merge has written counts for nothing', () => {
    for (const note of [7, [1], { x: 3 }, { 2916: 'y' }, { 99: -5 }] as JsonValue[]) {
      expect(spendRemovals(note, { now: NOON, count: 1, live: 9, limit: REMOVAL_LIMIT }).lately).toBe(0);
    }
  });

  test('the note stays small', () => {
    let note: JsonValue | null = null;
    for (let minute = 0; minute < 4_000; minute += 1) {
      const now = NOON + minute * 60_000;
      note = spendRemovals(note, { now, count: 1, live: 1_000_000, limit: REMOVAL_LIMIT }).note;
    }
    expect(JSON.stringify(note).length).toBeLessThan(3_000);
  });
});
