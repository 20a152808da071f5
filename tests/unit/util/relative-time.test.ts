import { expect, test } from 'vitest';
import { relativeTime } from '../../../src/util/text.ts';

test.each([
  [-5_000, 'just now'],
  [999, 'just now'],
  [12_400, '12 s ago'],
  [119_999, '119 s ago'],
  [120_000, '2 min ago'],
  [7_199_999, '119 min ago'],
  [7_200_000, '2 h ago'],
  [172_799_999, '47 h ago'],
  [172_800_000, '2 days ago'],
])('%i milliseconds: %s', (age, words) => {
  expect(relativeTime(1_000_000_000_000 - age, 1_000_000_000_000)).toBe(words);
});
