import { describe, expect, test } from 'vitest';
import { InvalidInputError } from '../../../src/errors/input-errors.ts';
import { draft } from '../../helpers/drafts.ts';
import { encodeVector, unitVector } from '../../helpers/vectors.ts';
import { OTHER_STAMP, STAMP, UNKNOWN_ID, useStore, type PrepareStore } from './use-store.ts';

/** What every store must do with vectors. */
export function describeVectorSearch(prepare: PrepareStore): void {
  const at = useStore(prepare);

  describe('vectors', () => {
    test('hands out live memories without vectors once per lease, oldest first', async () => {
      const ids = [await at.add('one'), await at.add('two'), await at.add('three')];
      const claim = (limit: number, leaseMs: number) =>
        at.store.claimPendingEmbeddings({ modelId: STAMP, limit, leaseMs });
      const first = await claim(2, 600_000);
      expect(first.map(({ id, text }) => [id, text])).toEqual([
        [ids[0], 'one'],
        [ids[1], 'two'],
      ]);
      const other = at.ownFolders ? at.store : at.open();
      const second = await other.claimPendingEmbeddings({ modelId: STAMP, limit: 9, leaseMs: 0 });
      expect(second.map(({ id }) => id)).toEqual([ids[2]]);
      expect((await claim(9, 600_000)).map(({ id }) => id)).toEqual([ids[2]]);
      expect(await claim(9, 600_000)).toEqual([]);
      await at.store.releasePendingEmbeddings(STAMP, [first[1]?.versionKey ?? 0, 4_711]);
      expect((await claim(9, 600_000)).map(({ id }) => id)).toEqual([ids[1]]);
    });

    test('finds memories by their best chunk, each once', async () => {
      const [a, b, c] = [await at.add('aaaa'), await at.add('bbbb'), await at.add('cccc')];
      await at.embed({ [a]: [0, 1, 2, 3, 4, 5], [b]: [6, 2], [c]: [7] });
      const vector = { modelId: STAMP, vector: unitVector(8, 2) };
      const { vectors, words } = await at.store.candidates({ filter: {}, limit: 2, vector });
      expect(words).toEqual([]);
      expect(vectors.map(({ id }) => id)).toEqual([a, b]);
      expect(vectors[0]).toMatchObject({ start: 2, end: 4 });
      expect(vectors[1]).toMatchObject({ start: 1, end: 4 });
      expect(vectors[0]?.score).toBeCloseTo(1, 1);
      expect(await at.nearest(0, {}, 3)).toHaveLength(3);
    });

    test('tells how near all its vectors are to the query on average, after edits and deletions too', async () => {
      const [a, b, c] = [await at.add('a'), await at.add('b'), await at.add('c')];
      await at.embed({ [a]: [0], [b]: [0, 1], [c]: [2] });
      const background = async () => {
        const vector = { modelId: STAMP, vector: unitVector(8, 0) };
        return (await at.store.candidates({ filter: { tagsAny: ['none'] }, limit: 2, vector })).background;
      };
      expect((await background())?.vectors).toBe(4);
      expect((await background())?.cosine).toBeCloseTo(0.5, 1);
      await at.store.delete([a]);
      expect((await background())?.vectors).toBe(3);
      expect((await background())?.cosine).toBeCloseTo(1 / 3, 1);
      await at.store.delete([b, c]);
      expect(await background()).toBeUndefined();
    });

    test('keeps that average in a large store', async () => {
      const many = await at.add('m'.repeat(900));
      await at.embed({ [many]: Array.from({ length: 900 }, (_, place) => (place < 300 ? 0 : 1)) });
      const other = await at.add('x');
      await at.embed({ [other]: [1] });
      const vector = { modelId: STAMP, vector: unitVector(8, 0) };
      const ask = async () => (await at.store.candidates({ filter: {}, limit: 2, vector })).background;
      expect((await ask())?.cosine).toBeCloseTo(300 / 901, 1);
      await at.store.delete([other]);
      expect(await ask()).toMatchObject({ vectors: 900 });
      expect((await ask())?.cosine).toBeCloseTo(1 / 3, 1);
    });

    test('tells how much a text with all words of the query would score', async () => {
      const ids = [await at.add('apple pear'), await at.add('apple plum'), await at.add('quince')];
      await at.embed(Object.fromEntries(ids.map((id) => [id, [0]])));
      const vector = { modelId: STAMP, vector: unitVector(8, 0) };
      const bound = async (words: string) =>
        (await at.store.candidates({ filter: {}, limit: 3, vector, words })).wordBound ?? 0;
      const [one, two, common] = [await bound('quince'), await bound('quince pear'), await bound('apple')];
      expect(two).toBeGreaterThan(one);
      expect(one).toBeGreaterThan(common);
      const { words } = await at.store.candidates({ filter: {}, limit: 3, words: 'quince' });
      expect(one).toBeGreaterThan(words[0]?.score ?? Infinity);
    });

    test('returns as many distinct memories as asked for, however many chunks one has', async () => {
      const many = await at.add('m'.repeat(100));
      const others = [await at.add('x'), await at.add('y')];
      await at.embed({
        [many]: Array.from({ length: 60 }, () => 0),
        [others[0] ?? '']: [1],
        [others[1] ?? '']: [2],
      });
      expect((await at.nearest(0, {}, 3)).sort()).toEqual([many, ...others].sort());
    });

    test('searches the whole store within a narrow or a broad filter, also when nothing near the query passes it', async () => {
      const far = await at.add('far', { tags: ['rare'], metadata: { kind: 'x' } });
      const near = (await at.store.add(Array.from({ length: 60 }, (_, index) => draft(`near ${index}`)))).map(
        ({ memory }) => memory.id,
      );
      await at.embed({ [far]: [5, 6], ...Object.fromEntries(near.map((id) => [id, [0, 1]])) });
      expect(await at.nearest(0, { tagsAny: ['rare'] }, 2)).toEqual([far]);
      expect(await at.nearest(0, { metadata: { kind: 'x' } }, 1)).toEqual([far]);
      expect(await at.nearest(0, { tagsAny: ['none'] }, 1)).toEqual([]);
      expect(await at.nearest(0, { createdAfter: 0 }, 3)).toHaveLength(3);
      await at.store.update(near[0] ?? '', { tags: ['most'] });
      await Promise.all(near.slice(20).map((id) => at.store.update(id, { tags: ['half'] })));
      expect(await at.nearest(5, { tagsAny: ['half', 'most'] }, 50)).toHaveLength(41);
    });

    test('keeps vectors when only tags, source or metadata change, and over trash and back', async () => {
      const id = await at.add('text');
      await at.embed({ [id]: [3] });
      await at.store.update(id, { tags: ['new'], source: 's', metadata: { a: 1 } });
      expect(await at.nearest(3, { tagsAny: ['new'] })).toEqual([id]);
      await at.store.delete([id]);
      expect(await at.nearest(3)).toEqual([]);
      await at.store.restore([id]);
      expect(await at.nearest(3)).toEqual([id]);
      expect(await at.store.claimPendingEmbeddings({ modelId: STAMP, limit: 9, leaseMs: 0 })).toEqual([]);
      await at.expectIntact();
    });

    test('asks for new vectors when the text changes, and ignores vectors of the old text', async () => {
      const id = await at.add('old text');
      const [claimed] = await at.store.claimPendingEmbeddings({ modelId: STAMP, limit: 9, leaseMs: 600_000 });
      await at.store.update(id, { text: 'new text' });
      const late = {
        versionKey: claimed?.versionKey ?? 0,
        chunks: [{ start: 0, end: 1, vector: encodeVector(unitVector(8, 0)) }],
      };
      expect(await at.store.putEmbeddings(STAMP, [late])).toBe(0);
      expect(await at.nearest(0)).toEqual([]);
      await at.embed({ [id]: [1] });
      expect(await at.nearest(1)).toEqual([id]);
      await at.expectIntact();
    });

    test('refuses vectors of a wrong size', async () => {
      await at.add('text');
      const [claimed] = await at.store.claimPendingEmbeddings({ modelId: STAMP, limit: 1, leaseMs: 0 });
      const chunks = [{ start: 0, end: 1, vector: new Uint8Array(5) }];
      await expect(
        at.store.putEmbeddings(STAMP, [{ versionKey: claimed?.versionKey ?? 0, chunks }]),
      ).rejects.toThrow(InvalidInputError);
    });

    test('never mixes models', async () => {
      const [a, b] = [await at.add('a'), await at.add('b')];
      await at.embed({ [a]: [0], [b]: [1] });
      await at.embed({ [a]: [2] }, OTHER_STAMP);
      expect(await at.store.stats(STAMP)).toMatchObject({
        embedded: 2,
        otherModels: [{ modelId: 'other-model', memories: 1 }],
      });
      const other = { modelId: OTHER_STAMP, vector: unitVector(4, 2) };
      expect(
        (await at.store.candidates({ filter: {}, limit: 9, vector: other })).vectors.map(({ id }) => id),
      ).toEqual([a]);
      expect(await at.nearest(1)).toEqual([b, a]);
      expect(await at.store.dropOtherEmbeddings(STAMP)).toBe(1);
      expect((await at.store.candidates({ filter: {}, limit: 9, vector: other })).vectors).toEqual([]);
      expect(await at.store.stats(STAMP)).toMatchObject({ embedded: 2, otherModels: [] });
      expect(await at.store.stats()).toMatchObject({
        embedded: 0,
        otherModels: [{ modelId: 'test-model', memories: 2 }],
      });
      await at.expectIntact();
    });

    test('gives the vector of the first chunk of live memories, and how many chunks there are', async () => {
      const [a, b, c, d] = [await at.add('aa'), await at.add('bb'), await at.add('cc'), await at.add('dd')];
      await at.embed({ [a]: [3, 4, 5], [b]: [6], [c]: [7] });
      await at.store.delete([c]);
      const found = await at.store.vectors(STAMP, [a, b, c, d, UNKNOWN_ID]);
      expect(new Map(found.map(({ id, chunks }) => [id, chunks]))).toEqual(
        new Map([
          [a, 3],
          [b, 1],
        ]),
      );
      const vector = [...(found.find(({ id }) => id === a)?.vector ?? [])];
      expect(vector.indexOf(Math.max(...vector))).toBe(3);
      expect(await at.store.vectors(OTHER_STAMP, [a])).toEqual([]);
    });

    test('answers nothing for a model that has no vectors', async () => {
      await at.add('a');
      expect(await at.nearest(0)).toEqual([]);
      await at.expectIntact();
    });
  });
}
