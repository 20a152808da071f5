import type { GrowthDay } from '../shared/types.ts';

export interface Period {
  /** First day of the period. */
  readonly day: string;
  readonly added: number;
  /** Number of all memories at the end of the period. */
  readonly total: number;
}

const MAX_PERIODS = 60;
const DAY_MS = 86_400_000;

/**
 * Groups days into at most 60 equal periods from the first day to the last, including days without a new memory.
 * @returns `length`: the days of one period
 */
export function intoPeriods(days: readonly GrowthDay[]): {
  readonly periods: readonly Period[];
  readonly length: number;
} {
  const [first] = days;
  const last = days.at(-1);
  if (first === undefined || last === undefined) return { periods: [], length: 1 };
  const start = Date.parse(first.day);
  const all = Math.round((Date.parse(last.day) - start) / DAY_MS) + 1;
  const length = Math.ceil(all / MAX_PERIODS);
  const sums = new Array<number>(Math.ceil(all / length)).fill(0);
  for (const { day, added } of days) {
    const index = Math.floor((Date.parse(day) - start) / DAY_MS / length);
    sums[index] = (sums[index] ?? 0) + added;
  }
  let total = 0;
  const periods = sums.map((added, index) => {
    total += added;
    return { day: new Date(start + index * length * DAY_MS).toISOString().slice(0, 10), added, total };
  });
  return { periods, length };
}
