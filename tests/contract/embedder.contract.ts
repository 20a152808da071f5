import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Embedder } from '../../src/embedding/embedder.ts';

/** The promises of `Embedder`, for any implementation. */
export function embedderContract(name: string, create: () => Embedder | Promise<Embedder>): void {
  describe(name, () => {
    let embedder: Embedder;
    beforeAll(async () => {
      embedder = await create();
    });
    afterAll(async () => {
      await embedder.close();
    });

    test('gives unit vectors of the dimension of its stamp', async () => {
      const { dimension, modelId } = await embedder.modelId();
      expect(modelId).not.toBe('');
      const query = await embedder.embedQuery('where is the staging server?');
      expect(query).toHaveLength(dimension);
      expect(Math.hypot(...query)).toBeCloseTo(1, 4);
    });

    test('gives the same vector for the same text', async () => {
      const [first, second] = [await embedder.embedQuery('tea'), await embedder.embedQuery('tea')];
      expect(cosine(first, second)).toBeCloseTo(1, 6);
    });

    test('brings a question nearer to its answer than to something else', async () => {
      const query = await embedder.embedQuery('which database holds the invoices?');
      const [answer] = await embedder.embedPassage('The invoices are in the database PostgreSQL.');
      const [other] = await embedder.embedPassage('Anna grows tomatoes on her balcony.');
      expect(cosine(query, answer?.vector)).toBeGreaterThan(cosine(query, other?.vector) + 0.02);
    });

    test('covers a long text with chunks', async () => {
      const text = Array.from(
        { length: 120 },
        (_, index) => `Sentence number ${index} tells something new.`,
      ).join(' ');
      const chunks = await embedder.embedPassage(text);
      expect(chunks[0]?.start).toBe(0);
      expect(chunks.at(-1)?.end).toBe(text.length);
      chunks.slice(1).forEach(({ start }, index) => {
        expect(start).toBeLessThanOrEqual(chunks[index]?.end ?? -1);
      });
    });

    test('embeds odd texts', async () => {
      for (const text of ['?', '🙂', '日本語', 'x'.repeat(5_000), '\n\n', 'a\u0301']) {
        const chunks = await embedder.embedPassage(text);
        expect(chunks.length).toBeGreaterThan(0);
        expect(chunks.every(({ vector }) => vector.every(Number.isFinite))).toBe(true);
      }
    });

    test('gives token vectors of queries and texts, or says that it gives none', async () => {
      const [chunk] = await embedder.embedPassage('The pumps in Sopot are serviced in May.');
      if (embedder.tokenSpace === undefined) {
        expect(chunk?.tokens).toBeUndefined();
        return;
      }
      const query = await embedder.embedQueryTokens?.('who services the pumps?');
      const alone = await embedder.embedQuery('who services the pumps?');
      expect(cosine(alone, query?.vector)).toBeCloseTo(1, 6);
      for (const tokens of [query?.tokens, chunk?.tokens]) {
        const { pieces = [], dimension = 0, vectors = new Float32Array() } = tokens ?? {};
        expect(pieces.length).toBeGreaterThan(1);
        expect(vectors).toHaveLength(pieces.length * dimension);
        expect(Math.hypot(...vectors.slice(0, dimension))).toBeCloseTo(1, 4);
      }
      const shared = [...(query?.tokens.pieces ?? [])].filter((piece) =>
        chunk?.tokens?.pieces.includes(piece),
      );
      expect(shared.length).toBeGreaterThan(0);
      const [empty] = await embedder.embedPassage('to be or not to be?');
      expect(empty?.tokens?.pieces).toHaveLength(0);
    });

    test('warms up, is ready then, and describes itself in plain values', async () => {
      await embedder.warmUp();
      expect(embedder.ready).toBe(true);
      expect(embedder.describe()).toHaveProperty('provider');
    });
  });
}

export function cosine(a: Float32Array, b: Float32Array | undefined): number {
  return a.reduce((sum, value, i) => sum + value * (b?.[i] ?? NaN), 0);
}
