import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { wordForms } from '../../../src/memory/word-forms.ts';
import { indexedText, indexedWords, queryTerms } from '../../../src/memory/words.ts';
import { termQuery } from '../../../src/store/sqlite/full-text.ts';

/** The terms as queries of FTS5; null when there are none. */
function fullTextQuery(text: string): string | null {
  const terms = queryTerms(text).map(termQuery);
  return terms.length === 0 ? null : terms.join(' OR ');
}

describe('the terms of a query', () => {
  test.each([
    ['deploy server', '"deploy" OR "server"'],
    ['What is the deadline?', '"deadline"'],
    ['to be or not to be', '"to" OR "be" OR "or" OR "not"'],
    ['Deploy deploy DEPLOY', '"deploy"'],
    ['10.0.0.5', '"10 0 0 5" OR "10" OR "0" OR "5"'],
    ['foo_bar', '"foo bar" OR "foo" OR "bar"'],
    ['a@b.c', '"a b c" OR "b" OR "c"'],
    ["don't panic", '"don t" OR "panic"'],
    ['Straße Łódź Œuvre', '"strasse" OR "lódź" OR "oeuvre" OR "stras" * OR "oeuvr" *'],
    ['Wo ist mein Schlüssel?', '"wo" OR "ist" OR "mein" OR "schlüssel" OR "schlü" *'],
    ['東京都', '"東 京" OR "京 都"'],
    ['鍵はどこだ', '"鍵" OR "鍵 は" OR "は ど" OR "ど こ" OR "こ だ"'],
    ['東', '"東"'],
    ['iPhone用ケース', '"iphone" OR "用" OR "iphone 用" OR "用 ケ" OR "ケ ー" OR "ー ス"'],
    ['ｶﾅ', '"カ ナ"'],
    ['서울에서', '"서 울" OR "울 에" OR "에 서"'],
    [
      '"x" AND y* NEAR(z) text:q',
      '"y\ue02a" OR "near z" OR "text q" OR "x" OR "near" OR "z" OR "text" OR "q"',
    ],
  ])('of %j is %s', (text, query) => {
    expect(fullTextQuery(text)).toBe(query);
  });

  test.each(['', ' \n', '?!', '"'])('of %j is nothing', (text) => {
    expect(fullTextQuery(text)).toBeNull();
  });

  test('holds at most 64 terms, the longest', () => {
    const words = Array.from({ length: 500 }, (_, index) => `w${index}`);
    const query = fullTextQuery(`${words.join(' ')} extraordinarily`) ?? '';
    const terms = query.split(' OR ');
    expect(terms).toHaveLength(64);
    expect(terms).toContain('"extraordinarily"');
  });

  test('makes no phrase of very long joined words', () => {
    const url = `https://example.com/${Array.from({ length: 20 }, (_, index) => `p${index}`).join('/')}`;
    expect(fullTextQuery(url)).not.toContain(' p1 ');
  });

  test('never lets anything but quoted letters, digits and marks through', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        const query = fullTextQuery(text);
        if (query !== null)
          expect(query).toMatch(/^"[\p{L}\p{N}\p{M}\p{Co} ]+"( OR "[\p{L}\p{N}\p{M}\p{Co} ]+")*$/u);
      }),
    );
  });
});

describe('indexedText', () => {
  test.each([
    ['plain text, unchanged!', 'plain text, unchanged!'],
    ['東京2024', ' 東  京 2024'],
    ['ﬁne ①', 'fine 1'],
    ['مُحَمَّد', 'محمد'],
    ['Größe', 'Grösse'],
  ])('of %j is %j', (text, indexed) => {
    expect(indexedText(text)).toBe(indexed);
  });

  test('takes time in proportion to the text', () => {
    expect(indexedText('東'.repeat(100_000)).length).toBe(300_000);
  });
});

describe('wordForms', () => {
  /** An emoji before a line break: everything is searched for in such a text, and nothing in it touches the rest. */
  const BEYOND_ASCII = '\u{1F600}\n';
  const inParts = fc.array(
    fc.oneof(
      fc.constantFrom(
        'C++',
        '.NET',
        '--flag',
        '&&',
        'v1.2',
        '10.0.0.5',
        '+49 30 1234567',
        'fooBar',
        'HTTPServer',
      ),
      fc.constantFrom(
        'DE89 3704 0044 0532',
        'aa:bb:cc:dd:ee:ff',
        'aabb.ccdd.eeff',
        '${HOME}',
        'a*',
        'plain',
        ' ',
      ),
      fc.string({ unit: 'grapheme-ascii', maxLength: 4 }),
    ),
    { maxLength: 8 },
  );

  test('finds in a plain text what it finds when it searches for everything', () => {
    fc.assert(
      fc.property(inParts, (parts) => {
        const text = parts.join('');
        const shifted = [...wordForms(BEYOND_ASCII + text)].slice(1).map((form) => ({
          ...form,
          start: form.start - BEYOND_ASCII.length,
          end: form.end - BEYOND_ASCII.length,
        }));
        expect([...wordForms(text)]).toEqual(shifted);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('indexedWords', () => {
  test('reads a plain text as one with other letters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) => {
        const other = [...indexedWords(`${text} ж`)].filter(({ word }) => word !== 'ж');
        expect([...indexedWords(text)]).toEqual(other);
      }),
      { numRuns: 1_000 },
    );
  });
});
