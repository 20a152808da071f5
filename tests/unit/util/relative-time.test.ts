import { expect, test } from 'vitest';
import { relativeTime } from '../../../src/util/text.ts';

test.each([
  [-10_800_000, 'in 3 hours'],
  [-5_000, 'just now'],
  [59_999, 'just now'],
  [60_000, '1 minute ago'],
  [120_000, '2 minutes ago'],
  [7_199_999, '119 minutes ago'],
  [7_200_000, '2 hours ago'],
  [172_799_999, '47 hours ago'],
  [172_800_000, '2 days ago'],
  [2_600_000_000, '30 days ago'],
])('%i milliseconds: %s', (age, words) => {
  expect(relativeTime(1_000_000_000_000 - age, 1_000_000_000_000)).toBe(words);
});
