import { expect, test } from 'vitest';
import { retryAfterMs } from '../../../src/util/network-problem.ts';

const NOW = Date.parse('2026-01-31T12:00:00Z');

test.each([
  [undefined, undefined],
  [null, undefined],
  [' ', undefined],
  ['0', 0],
  ['1.5', 1_500],
  ['120', 120_000],
  ['-3', 0],
  ['Sat, 31 Jan 2026 12:00:09 GMT', 9_000],
  ['Sat, 31 Jan 2026 11:59:00 GMT', 0],
  ['soon', undefined],
])('Retry-After %j means %j milliseconds', (header, milliseconds) => {
  expect(retryAfterMs(header, NOW)).toBe(milliseconds);
});
