import { describe, expect, test } from 'vitest';
import { packTokens } from '../../../src/embedding/late-interaction.ts';
import type { TokenSpace } from '../../../src/store/memory-store.ts';
import { encodeVector, unitVector } from '../../helpers/vectors.ts';
import { OTHER_STAMP, STAMP, useStore, type PrepareStore } from './use-store.ts';

const SPACE: TokenSpace = { modelId: STAMP, name: 'space' };
const DIMENSION = 4;
const HOUR = 3_600_000;

/** One piece for each axis; its id is 10 more than the axis. */
function tokens(...axes: number[]) {
  return {
    pieces: Int32Array.from(axes, (axis) => axis + 10),
    dimension: DIMENSION,
    vectors: Float32Array.from(
      axes.flatMap((axis) => Array.from({ length: DIMENSION }, (_, i) => (i === axis ? 1 : 0))),
    ),
  };
}

/** What every store must do with the vectors of word pieces. */
export function describeTokenVectors(prepare: PrepareStore): void {
  const at = useStore(prepare);

  /** Gives claimed memories one chunk for each list of axes. */
  async function embed(chunks: Record<string, number[][]>, withTokens = true): Promise<number> {
    const request = { modelId: STAMP, limit: 100, leaseMs: 0, tokenVectors: true };
    const claimed = await at.store.claimPendingEmbeddings(request);
    return at.store.putEmbeddings(
      STAMP,
      claimed
        .filter(({ id }) => chunks[id] !== undefined)
        .map(({ id, versionKey }) => ({
          versionKey,
          chunks: (chunks[id] ?? []).map((axes, place) => {
            const { pieces, ...vectors } = tokens(...axes);
            return {
              start: place,
              end: place + 1,
              vector: encodeVector(unitVector(STAMP.dimension, place)),
              ...(withTokens ? { tokens: { pieces, vectors: packTokens(vectors) } } : {}),
            };
          }),
        })),
    );
  }

  const match = (axes: number[], ...ids: string[]) =>
    at.store.tokenMatches({ space: SPACE, tokens: tokens(...axes), candidates: ids.map((id) => ({ id })) });
  const waiting = async () => (await at.store.stats(STAMP)).withoutTokens;

  describe('token vectors', () => {
    test('match by the best chunk; pieces that are rare in the store count more', async () => {
      await at.store.keepTokenVectors(SPACE);
      const [a, b, c] = [await at.add('aa'), await at.add('bb'), await at.add('cc')];
      await embed({ [a]: [[2], [0, 1]], [b]: [[0]], [c]: [[0]] });
      const [first, second] = await match([0, 1], a, b, c);
      expect(first).toMatchObject({
        id: a,
        score: expect.closeTo(1, 5) as number,
        plain: expect.closeTo(1, 5) as number,
      });
      // Piece 10 is in 3 of 4 chunks, piece 11 in 1: ln(1 + 1.5 / 3.5) = 0.357, ln(1 + 3.5 / 1.5) = 1.204.
      expect(second?.score).toBeCloseTo(0.357 / (0.357 + 1.204), 3);
      expect(second?.plain).toBeCloseTo(0.5, 5);
      await at.expectIntact();
    });

    test('leave out memories without any, queries without pieces, and another space', async () => {
      await at.store.keepTokenVectors(SPACE);
      const [a, b] = [await at.add('a'), await at.add('b')];
      await embed({ [a]: [[0]] });
      expect((await match([0], a, b)).map(({ id }) => id)).toEqual([a]);
      expect(await match([], a)).toEqual([]);
      const other = { space: { ...SPACE, name: 'newer' }, tokens: tokens(0), candidates: [{ id: a }] };
      expect(await at.store.tokenMatches(other)).toEqual([]);
    });

    test('are made later for memories that have vectors, which stay as they are', async () => {
      const [a, b] = [await at.add('aa'), await at.add('b')];
      await embed({ [a]: [[0], [1]], [b]: [[2]] }, false);
      expect(await waiting()).toBe(0);
      await at.store.keepTokenVectors(SPACE);
      expect(await waiting()).toBe(2);
      const { sequence } = await at.store.stats();
      const request = { modelId: STAMP, limit: 1, leaseMs: HOUR, tokenVectors: true };
      const [claimed] = await at.store.claimPendingEmbeddings(request);
      expect(claimed).toMatchObject({ text: 'aa', tokensOnly: true });
      const rest = await at.store.claimPendingEmbeddings({ ...request, limit: 9 });
      expect(rest.map(({ id }) => id)).toEqual([b]);
      expect(await at.store.claimPendingEmbeddings({ ...request, tokenVectors: false })).toEqual([]);
      expect(await at.nearest(1)).toEqual([a, b]);
      const chunk = (start: number, axis: number) => ({
        start,
        end: start + 1,
        vector: encodeVector(unitVector(STAMP.dimension, 7)),
        tokens: { pieces: tokens(axis).pieces, vectors: packTokens(tokens(axis)) },
      });
      const write = { versionKey: claimed?.versionKey ?? 0, chunks: [chunk(0, 0), chunk(1, 1)] };
      expect(await at.store.putEmbeddings(STAMP, [write])).toBe(0);
      expect(await waiting()).toBe(1);
      expect((await match([1], a)).map(({ id }) => id)).toEqual([a]);
      expect(await at.nearest(1)).toEqual([a, b]);
      expect((await at.store.stats()).sequence).toBe(sequence);
      await at.expectIntact();
    });

    test('go with the text, the memory and the trash', async () => {
      await at.store.keepTokenVectors(SPACE);
      const [edited, purged, kept] = [await at.add('aa'), await at.add('bb'), await at.add('cc')];
      await embed({ [edited]: [[0]], [purged]: [[1]], [kept]: [[2]] });
      await at.store.update(edited, { text: 'other' });
      await at.store.purge([purged]);
      await at.store.update(kept, { tags: ['t'] });
      await at.store.delete([kept]);
      await at.store.restore([kept]);
      expect((await match([2], edited, purged, kept)).map(({ id }) => id)).toEqual([kept]);
      await embed({ [edited]: [[3]] });
      // Both chunks count, and only their pieces: 13 is in one of two, 10 in none.
      const [found] = await match([3, 0], edited);
      const [rare, unknown] = [Math.log(1 + 1.5 / 1.5), Math.log(1 + 2.5 / 0.5)];
      expect(found?.score).toBeCloseTo(rare / (rare + unknown), 4);
      await at.expectIntact();
    });

    test('are removed when none are kept, with another space, and with another model', async () => {
      await at.store.keepTokenVectors(SPACE);
      const a = await at.add('a');
      await embed({ [a]: [[0]] });
      await at.store.keepTokenVectors(SPACE);
      expect(await match([0], a)).toHaveLength(1);
      await at.store.keepTokenVectors({ ...SPACE, name: 'newer' });
      expect([await match([0], a), await waiting()]).toEqual([[], 1]);
      await at.store.keepTokenVectors(SPACE);
      await embed({ [a]: [[0]] });
      expect(await match([0], a)).toHaveLength(1);
      await at.store.keepTokenVectors(null);
      expect([await match([0], a), await waiting()]).toEqual([[], 0]);
      await at.store.keepTokenVectors({ modelId: OTHER_STAMP, name: 'space' });
      await at.store.dropOtherEmbeddings(STAMP);
      expect(await at.nearest(0)).toEqual([a]);
      await at.expectIntact();
    });

    test('are not kept before they are wanted', async () => {
      const a = await at.add('a');
      await embed({ [a]: [[0]] });
      expect(await match([0], a)).toEqual([]);
      await at.expectIntact();
    });
  });
}
