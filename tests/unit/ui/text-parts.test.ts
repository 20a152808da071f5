import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cutApart, type TextParts } from '../../../src/ui/shared/text-parts.ts';

const codePoints = (text: string): string[] => Array.from(text);
const joined = ({ start, middle, end }: TextParts): string => start + middle + end;

describe('cutApart', () => {
  test.each([
    ['one word', 'Tea at four today', 'Tea at five today', ['Tea at ', 'four', ' today']],
    ['a part of a word', 'The invoices are paid', 'The invoice are paid', ['The ', 'invoices', ' are paid']],
    ['a number', 'Port 8080 is open', 'Port 8081 is open', ['Port ', '8080', ' is open']],
    ['what only this text has', 'Tea and cake', 'Tea', ['Tea', ' and cake', '']],
    ['a place where only the other one has more', 'Tea', 'Tea and cake', ['Tea', '', '']],
    ['a repeated word', 'a b b c', 'a b c', ['a b ', 'b ', 'c']],
    ['all', 'Tea', 'Coffee', ['', 'Tea', '']],
    [
      'a character of two code units',
      'I am glad 😀 of it',
      'I am glad 😁 of it',
      ['I am glad ', '😀', ' of it'],
    ],
    ['a character of several code points', 'Ask 👩‍💻 here', 'Ask 👩‍🔬 here', ['Ask ', '👩‍💻', ' here']],
    ['an accent', 'Cafe\u0301 here', 'Cafe here', ['', 'Cafe\u0301', ' here']],
    [
      'a language without spaces',
      '私は東京に住んでいます',
      '私は京都に住んでいます',
      ['私は', '東京', 'に住んでいます'],
    ],
  ])('finds %s', (_, text, other, parts) => {
    expect(Object.values(cutApart(text, [other]) ?? {})).toEqual(parts);
  });

  test('finds nothing where nothing differs', () => {
    expect(cutApart('Tea', [])).toBeUndefined();
    expect(cutApart('Tea', ['Tea', 'Tea'])).toBeUndefined();
  });

  test('holds all that differs from any of several', () => {
    const parts = cutApart('one two three four', [
      'one 2 three four',
      'one two three 4',
      'one two three four',
    ]);
    expect(parts).toEqual({ start: 'one ', middle: 'two three four', end: '' });
  });

  test('cuts within a very long word', () => {
    const key = (middle: string): string => 'a'.repeat(500) + middle + 'b'.repeat(500);
    const { start = '', middle } = cutApart(key('1'), [key('2')]) ?? {};
    expect([start.length, middle]).toEqual([500, '1']);
  });
});

describe('whatever the texts are', () => {
  const piece = fc.constantFrom(
    'a',
    'b',
    ' ',
    '\n',
    '.',
    '7',
    'é',
    'e\u0301',
    '字',
    '😀',
    '👩‍💻',
    '\ud83d',
    'ש',
  );
  const text = fc.oneof(fc.string({ unit: piece, maxLength: 12 }), fc.string({ unit: 'binary' }));
  /** Mostly equal. */
  const pair = fc
    .tuple(text, text, text, text)
    .map(([start, one, other, end]) => [start + one + end, start + other + end] as const);

  test('the parts joined give back the texts, and both have the same beginning and end', () => {
    fc.assert(
      fc.property(pair, ([one, other]) => {
        const ofOne = cutApart(one, [other]);
        const ofOther = cutApart(other, [one]);
        if (ofOne === undefined || ofOther === undefined) {
          expect(one).toBe(other);
          return;
        }
        expect([joined(ofOne), joined(ofOther)]).toEqual([one, other]);
        expect([ofOne.start, ofOne.end]).toEqual([ofOther.start, ofOther.end]);
        expect(ofOne.middle).not.toBe(ofOther.middle);
      }),
    );
  });

  test('no code point is cut in two', () => {
    fc.assert(
      fc.property(pair, ([one, other]) => {
        const { start, middle, end } = cutApart(one, [other]) ?? { start: one, middle: '', end: '' };
        expect([start, middle, end].flatMap(codePoints)).toEqual(codePoints(one));
      }),
    );
  });
});
