import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ago, bytes, count, ordinal, parseTags } from '../../../src/ui/shared/words.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-06-15T12:00:00Z'), toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test.each([
  ['2026-06-15T11:59:30Z', 'just now'],
  ['2026-06-15T11:30:00Z', '30 minutes ago'],
  ['2026-06-15T09:00:00Z', '3 hours ago'],
  ['2026-06-14T11:00:00Z', '25 hours ago'],
  ['2026-05-20T12:00:00Z', '26 days ago'],
  ['2026-06-15T14:00:00Z', 'in 2 hours'],
  ['2026-01-31T12:00:00Z', '31 Jan 2026'],
])('tells when %s was: %s', (time, words) => {
  expect(ago(time)).toBe(words);
});

test.each([
  [1, '1st'],
  [2, '2nd'],
  [3, '3rd'],
  [4, '4th'],
  [11, '11th'],
  [22, '22nd'],
])('orders %i as %s', (number, word) => {
  expect(ordinal(number)).toBe(word);
});

test('counts one and many', () => {
  expect([count(1, 'memory', 'memories'), count(0, 'memory', 'memories'), count(2, 'hit')]).toEqual([
    '1 memory',
    '0 memories',
    '2 hits',
  ]);
});

test('writes sizes in units', () => {
  expect([bytes(1_023), bytes(1_536), bytes(3_145_728)]).toEqual(['1023 B', '1.5 KiB', '3.0 MiB']);
});

test('reads tags between commas', () => {
  expect(parseTags(' ops, ,web tools ,')).toEqual(['ops', 'web tools']);
});
