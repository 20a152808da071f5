import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type MatchedWords, wordMatcher } from '../../../src/memory/matched-words.ts';
import { estimateTokens } from '../../../src/embedding/chunking.ts';
import { beginningOf, excerpt, SNIPPET_LENGTH } from '../../../src/memory/snippet.ts';

function matchedWords(query: string, text: string, tags: readonly string[] = []): MatchedWords {
  return wordMatcher(query)(text, tags);
}

describe('excerpt', () => {
  test('returns a short text whole', () => {
    expect(excerpt('Short text.', { places: [{ start: 6, end: 10 }], chunk: null })).toEqual({
      text: 'Short text.',
      truncated: false,
    });
  });

  test('cuts between words around the focus', () => {
    const text = `${'before '.repeat(60)}NEEDLE ${'after '.repeat(60)}`;
    const snippet = excerpt(text, { places: matchedWords('needle', text).places, chunk: null });
    expect(snippet.truncated).toBe(true);
    expect(snippet.text).toMatch(/^…(before )+NEEDLE (after )+after…$/);
  });

  test('stays near its length and valid for any text and focus', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 900 }), fc.array(fc.nat(900)), (text, starts) => {
        const places = starts
          .filter((start) => start < text.length)
          .map((start) => ({ start, end: start + 1 }));
        const [chunk = null, ...others] = places;
        const snippet = excerpt(text, { places: others, chunk });
        expect(snippet.text.isWellFormed()).toBe(true);
        expect(snippet.text.length).toBeLessThanOrEqual(SNIPPET_LENGTH + 2);
        expect(snippet.truncated).toBe(text.length > SNIPPET_LENGTH);
      }),
    );
  });
});

/** An excerpt for the words of a query. */
function excerptFor(
  query: string,
  text: string,
  chunk: { start: number; end: number } | null = null,
): string {
  return excerpt(text, { places: matchedWords(query, text).places, chunk }).text;
}

describe('an excerpt of a long text', () => {
  const filler = 'Nothing of note was said about that for quite a while. '.repeat(12);

  test('begins with the sentence before the match', () => {
    const text = `${filler}Anna asked twice. The deadline is the first of May. ${filler}`;
    expect(excerptFor('deadline', text)).toMatch(
      /^…Anna asked twice\. The deadline is the first of May\. .+…$/,
    );
  });

  test('begins with the sentence of the match when the one before is long', () => {
    const long = `And ${'so on, '.repeat(40)}until it ended.`;
    expect(excerptFor('deadline', `${long} The deadline is in May. ${filler}`)).toMatch(/^…The deadline is/);
  });

  test('shows several matches in their order', () => {
    const text = `${filler}The invoice came on Monday. ${filler}The refund went out on Friday. ${filler}`;
    const shown = excerptFor('refund invoice', text);
    expect(shown).toMatch(/^….*The invoice came on Monday.* … .*The refund went out.*…$/s);
    expect(shown.length).toBeLessThanOrEqual(SNIPPET_LENGTH + 2);
  });

  test('shows the match as well as the piece that is closest by meaning', () => {
    const text = `${filler}The code name is Falcon. ${filler}We moved to Lisbon in June. ${filler}`;
    const start = text.indexOf('We moved');
    const shown = excerptFor('falcon', text, { start, end: start + 400 });
    expect(shown).toContain('Falcon');
    expect(shown).toContain('… We moved to Lisbon');
  });

  test('shows the beginning of the closest piece when no word matches', () => {
    const text = `${filler}We moved to Lisbon in June. ${filler}`;
    const start = text.indexOf('We moved');
    expect(excerptFor('emigration', text, { start, end: text.length })).toMatch(/^…We moved to Lisbon/);
  });

  const languages = [
    ['Chinese', '我们在星期五发布了新版本。数据库的迁移花了三个小时。', '迁移'],
    ['Japanese', '私は東京に住んでいます。来週、京都へ旅行する予定です。', '京都'],
    ['Thai', 'วันนี้ฉันไปตลาดเพื่อซื้อผลไม้และผักสดสำหรับทำอาหารเย็น ', 'ผลไม้'],
    ['Hindi', 'मुझे हिन्दी पसंद है। कल हम दिल्ली जाएंगे। ', 'दिल्ली'],
    ['emoji', 'We met 👩🏽‍💻👨‍👩‍👧‍👦🇩🇪🏴󠁧󠁢󠁷󠁬󠁳󠁿 again today and it was fun. ', 'today'],
    ['one sentence', 'alpha, foo.bar; don’t-stop (beta) gamma/delta ', 'gamma'],
  ] as const;

  test.each(languages)('of %s neither begins nor ends inside a word', (_, sentence, query) => {
    const text = sentence.repeat(60);
    const borders = new Set([text.length]);
    for (const { index } of new Intl.Segmenter('und', { granularity: 'word' }).segment(text))
      borders.add(index);
    const { places } = matchedWords(query, text);
    expect(places.length).toBeGreaterThan(0);
    for (const [first, second] of places.map((place, index) => [
      place,
      places[(index * 7) % places.length],
    ])) {
      if (first === undefined || second === undefined) continue;
      const shown = excerpt(text, { places: [first, second], chunk: null }).text;
      for (const part of shown.replace(/^…|…$/g, '').split(' … ')) {
        const starts = [...occurrences(text, part)];
        expect(starts.some((start) => borders.has(start) && borders.has(start + part.length))).toBe(true);
      }
    }
  });

  test('costs no more tokens than before, however many parts it has', () => {
    const text = `${filler}The invoice came. ${filler}The refund went out. ${filler}The mirror broke. ${filler}`;
    const start = text.indexOf('The mirror');
    const hits = Array.from({ length: 5 }, () =>
      excerptFor('invoice refund mirror', text, { start, end: text.length }),
    );
    expect(hits[0]?.split(' … ')).toHaveLength(3);
    const before = Array.from({ length: 5 }, () => beginningOf(text, SNIPPET_LENGTH));
    expect(estimateTokens(hits.join('\n'))).toBeLessThanOrEqual(1.1 * estimateTokens(before.join('\n')));
  });

  test('of a very long text takes little time', () => {
    const text = 'ทดสอบระบบค้นหา東京に行きます'.repeat(4_000);
    const started = performance.now();
    excerptFor('東京', text, { start: 90_000, end: 90_600 });
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

describe('beginningOf', () => {
  test.each(['hello wonderful world', '我们在星期五发布了新版本', 'a👨‍👩‍👧‍👦👨‍👩‍👧‍👦', 'x'.repeat(40)])(
    'cuts %j between words',
    (text) => {
      for (let length = 1; length < text.length; length += 1) {
        const shown = beginningOf(text, length);
        expect(shown.endsWith('…') && text.startsWith(shown.slice(0, -1))).toBe(true);
        expect(shown.length).toBeLessThanOrEqual(length + 1);
      }
    },
  );
});

function* occurrences(text: string, part: string): Generator<number> {
  for (let start = text.indexOf(part); start !== -1; start = text.indexOf(part, start + 1)) yield start;
}

describe('matchedWords', () => {
  test('finds words by their stems, without stop words and accents', () => {
    const text = 'She is running the deployments in the Café.';
    expect(matchedWords('the run of a deployment, cafe', text).words).toEqual(['run', 'deployment', 'cafe']);
  });

  test('points at the densest place', () => {
    const text = `invoice ${'x '.repeat(300)} the invoice database mirror`;
    expect(matchedWords('invoice database mirror', text).places[0]?.start).toBe(text.lastIndexOf('invoice'));
  });

  test('matches scripts without spaces by pairs', () => {
    expect(matchedWords('東京タワー', '昨日、東京に行った').words).toEqual(['東京']);
  });

  test.each([
    ['C++ or C#', 'a C++ engine', ['C++']],
    ['🎉', 'party 🎉', ['🎉']],
    ['9fceb02', 'commit 9fceb02d0ae598e95dc970b74767f19372d61af8', ['9fceb02']],
    ['978-0-306-40615-7', 'ISBN 9780306406157', ['978-0-306-40615-7']],
    ['foo.bar baz', 'call foo.bar', ['foo.bar']],
    ['--dry-run', 'use --dry-run', ['--dry-run']],
    ['getUserName', 'get_user_name()', ['getUserName']],
    ['ёлка', 'зелёная елка', ['елка']],
    ['हिन्दी', 'मुझे हिन्दी पसंद है', ['हिन्दी']],
    ['the who', 'The Who', ['the', 'who']],
    ['Python程序', '用Python写程序', ['python', '程序']],
  ])('of %j in %j agrees with what is found', (query, text, words) => {
    expect(matchedWords(query, text).words).toEqual(words);
  });

  test('names words that only a tag has', () => {
    expect(matchedWords('kubernetes deploy', 'We deployed it', ['kubernetes'])).toMatchObject({
      words: ['kubernetes', 'deploy'],
      places: [{ start: 3, end: 11 }],
    });
  });

  test('finds nothing in nothing', () => {
    expect(matchedWords('the of', 'anything')).toEqual({ words: [], places: [] });
  });
});
