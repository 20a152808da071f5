import fc from 'fast-check';
import { expect, test } from 'vitest';
import { beginningOf, excerptOf } from '../../../src/ui/shared/text-parts.ts';

const codePoints = (text: string): string[] => Array.from(text);
const words = (count: number): string => 'word '.repeat(count);

test('leaves short texts as they are', () => {
  const parts = { start: 'Tea at ', middle: 'four', end: ' today' };
  expect(excerptOf(parts)).toEqual(parts);
});

test('keeps about 80 characters around what differs, in whole words', () => {
  const { start, middle, end } = excerptOf({ start: words(500), middle: 'here', end: ` ${words(500)}` });
  expect(middle).toBe('here');
  expect(start).toBe(`…${words(16)}`);
  expect(end).toMatch(/^( word){16}…$/);
});

test('shows the beginning and the end of a long difference', () => {
  const { middle } = excerptOf({ start: '', middle: `first ${words(1_000)}last`, end: '' });
  expect(middle.length).toBeLessThan(480);
  expect(middle).toMatch(/^first word .*….* word last$/);
});

test('never is longer than the whole, and cuts no code point', () => {
  const text = fc.string({ unit: fc.constantFrom('a', ' ', '😀', 'e\u0301', '字'), maxLength: 400 });
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 100 }), (whole, length) => {
      const shown = beginningOf(whole, length);
      const kept = shown.replace(/…$/, '');
      expect(shown.length).toBeLessThanOrEqual(whole.length);
      expect(shown === whole || (shown.endsWith('…') && kept.length <= length)).toBe(true);
      expect([kept, whole.slice(kept.length)].flatMap(codePoints)).toEqual(codePoints(whole));
    }),
  );
});
