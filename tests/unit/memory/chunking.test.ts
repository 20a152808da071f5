import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chunkText, estimateTokens } from '../../../src/embedding/chunking.ts';

const words = (text: string): number => text.split(/\s+/).filter(Boolean).length;
const options = { countTokens: words, maxTokens: 10, overlapTokens: 3, wholeTokens: 12 };

describe('chunkText', () => {
  test('keeps a short text whole', () => {
    expect(chunkText('One two three.', options)).toEqual([{ start: 0, end: 14 }]);
  });

  test('splits on sentence borders', () => {
    const text =
      'One two three four five six. Seven eight nine ten eleven. Twelve thirteen fourteen fifteen.';
    const chunks = chunkText(text, options).map(({ start, end }) => text.slice(start, end));
    expect(chunks).toEqual([
      'One two three four five six. ',
      'Seven eight nine ten eleven. Twelve thirteen fourteen fifteen.',
    ]);
  });

  test('repeats the end of a chunk at the beginning of the next', () => {
    const text = Array.from({ length: 12 }, (_, index) => `Word${index} is.`).join(' ');
    const chunks = chunkText(text, { ...options, overlapTokens: 4 });
    for (const [index, chunk] of chunks.slice(1).entries()) {
      expect(chunk.start).toBeLessThan(chunks[index]?.end ?? 0);
    }
  });

  test('is done in time with long runs of one character', () => {
    for (const run of ['.', '!?', '\n', ' ', '."', '日', 'x']) {
      const text = run.repeat(300_000 / run.length);
      const chunks = chunkText(text, { countTokens: estimateTokens });
      expect(chunks.at(-1)?.end).toBe(text.length);
    }
  });

  test('covers any text without gaps, within the limit, and never splits a character', () => {
    const sentence = fc.array(
      fc.constantFrom('word', '日本語の文章', '🙂', 'x'.repeat(900), '。', '.', '\n', ' '),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'grapheme', maxLength: 400 }),
          sentence.map((parts) => parts.join(' ')),
        ),
        (text) => {
          const chunks = chunkText(text, {
            countTokens: estimateTokens,
            maxTokens: 20,
            overlapTokens: 5,
            wholeTokens: 20,
          });
          let covered = 0;
          for (const { start, end } of chunks) {
            expect(start).toBeLessThanOrEqual(covered);
            expect(text.slice(start, end).isWellFormed()).toBe(true);
            expect(estimateTokens(text.slice(start, end))).toBeLessThanOrEqual(22);
            covered = Math.max(covered, end);
          }
          expect(covered).toBe(text.length);
        },
      ),
    );
  });

  test('counts a long text in linear work', () => {
    const text = 'abc '.repeat(25_000);
    let counted = 0;
    const countTokens = (part: string): number => {
      counted += part.length;
      return words(part);
    };
    chunkText(text, { countTokens });
    expect(counted).toBeLessThan(4 * text.length);
  });
});
