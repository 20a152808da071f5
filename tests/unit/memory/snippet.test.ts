import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchedWords } from '../../../src/memory/matched-words.ts';
import { excerpt, SNIPPET_LENGTH } from '../../../src/memory/snippet.ts';

describe('excerpt', () => {
  it('returns a short text whole', () => {
    expect(excerpt('Short text.', 4)).toEqual({ text: 'Short text.', truncated: false });
  });

  it('cuts between words around the focus', () => {
    const text = `${'before '.repeat(60)}NEEDLE ${'after '.repeat(60)}`;
    const snippet = excerpt(text, text.indexOf('NEEDLE'));
    expect(snippet.truncated).toBe(true);
    expect(snippet.text).toMatch(/^…NEEDLE (after )+after…$/);
  });

  it('stays near its length and valid for any text and focus', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 900 }), fc.nat(900), (text, focus) => {
        const snippet = excerpt(text, Math.min(focus, text.length));
        expect(snippet.text.isWellFormed()).toBe(true);
        expect(snippet.text.length).toBeLessThanOrEqual(SNIPPET_LENGTH + 2);
        expect(snippet.truncated).toBe(text.length > SNIPPET_LENGTH);
      }),
    );
  });
});

describe('matchedWords', () => {
  it('finds words by their stems, without stop words and accents', () => {
    const text = 'She is running the deployments in the Café.';
    expect(matchedWords('the run of a deployment, cafe', text).words).toEqual(['run', 'deployment', 'cafe']);
  });

  it('points at the densest place', () => {
    const text = `invoice ${'x '.repeat(300)} the invoice database mirror`;
    expect(matchedWords('invoice database mirror', text).focus).toBe(text.lastIndexOf('invoice'));
  });

  it('matches scripts without spaces by pairs', () => {
    expect(matchedWords('東京タワー', '昨日、東京に行った').words).toEqual(['東京']);
  });

  it('finds nothing in nothing', () => {
    expect(matchedWords('the of', 'anything')).toEqual({ words: [], focus: null });
  });
});
