import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CandidateLists } from '../../../src/store/memory-store.ts';
import { factsFirst, fuse as fuseWith, gapOf, lendToNeighbours } from '../../../src/memory/ranking.ts';

const list = (...entries: [id: string, score: number][]) => entries.map(([id, score]) => ({ id, score }));

const SCALE = { depth: 50, usualGap: 0.09, trust: 1 };
const fuse = (lists: CandidateLists, scale: Partial<typeof SCALE> = {}) =>
  fuseWith(lists, { ...SCALE, ...scale });

describe('fuse', () => {
  test('puts what both lists have before what only one has', () => {
    const ranked = fuse({
      words: list(['a', 9], ['both', 8], ['c', 1]),
      vectors: list(['d', 0.9], ['both', 0.88], ['e', 0.7]),
    });
    expect(ranked[0]).toMatchObject({ id: 'both', wordRank: 2, vectorRank: 2, cosine: 0.88 });
  });

  test('keeps the order of a single list and gives it the whole weight', () => {
    const words = list(['a', 5], ['b', 4], ['c', 1]);
    expect(fuse({ words, vectors: [] }).map(({ id, score }) => [id, score])).toEqual([
      ['a', 1],
      ['b', 0.8],
      ['c', 0.2],
    ]);
  });

  test('counts of a list that was cut only what is above its last entry', () => {
    const words = list(['a', 5], ['b', 4], ['c', 1]);
    expect(fuse({ words, vectors: [] }, { depth: 3 }).map(({ score }) => score.toFixed(2))).toEqual([
      '1.00',
      '0.75',
      '0.00',
    ]);
  });

  test('does not let one chance word win in a small store', () => {
    const lists = {
      words: list(['chance', 1]),
      vectors: list(['answer', 0.84], ['chance', 0.78], ['c', 0.7]),
    };
    expect(fuse({ ...lists, wordBound: 10 })[0]?.id).toBe('answer');
    expect(fuse({ ...lists, wordBound: 2 })[0]?.id).toBe('chance');
  });

  test('trusts the words more when the model does not read the query', () => {
    const lists = {
      words: list(['words', 3]),
      vectors: list(['meaning', 0.9], ['words', 0.8]),
      wordBound: 10,
    };
    expect(fuse(lists)[0]?.id).toBe('meaning');
    expect(fuse(lists, { trust: 0.5 })[0]?.id).toBe('words');
  });

  test('weighs the cosines of a model that was not measured by how far the best stands out', () => {
    const lists = (scale: number): CandidateLists => ({
      words: list(['words', 3]),
      vectors: list(['meaning', 0.9 * scale], ['words', 0.5 * scale]),
      wordBound: 10,
      background: { cosine: 0.5 * scale, vectors: 2_000 },
    });
    const ids = [0.01, 0.1, 1].map((scale) =>
      fuseWith(lists(scale), { ...SCALE, usualGap: null }).map(({ id, score }) => [id, score.toFixed(2)]),
    );
    expect(ids[1]).toEqual(ids[2]);
    expect(ids[1]?.[0]?.[0]).toBe('meaning');
    expect(ids[0]?.[0]?.[0]).toBe('words');
  });

  test('says that a candidate is in no list by null', () => {
    expect(
      fuse({ words: list(['a', 1]), vectors: list(['b', 0.8]) }).find(({ id }) => id === 'a'),
    ).toMatchObject({
      wordRank: 1,
      vectorRank: null,
      cosine: null,
      chunk: null,
    });
  });

  test('lends a part of a score to the neighbours in a session, and says when it carried one', () => {
    const fused = fuse({
      words: list(['turn', 9], ['rival', 6], ['last', 0]),
      vectors: list(['turn', 0.9], ['last', 0.8]),
    });
    const ranked = lendToNeighbours(fused, [
      { id: 'answer', of: 'turn', distance: 1 },
      { id: 'far', of: 'turn', distance: 2 },
      { id: 'rival', of: 'turn', distance: 2 },
    ]);
    expect(ranked.map(({ id, score, byNeighbours }) => [id, score.toFixed(3), byNeighbours])).toEqual([
      ['turn', '1.000', false],
      ['rival', '0.576', false],
      ['answer', '0.200', true],
      ['far', '0.100', true],
      ['last', '0.000', false],
    ]);
    expect(ranked[2]).toMatchObject({ wordRank: null, vectorRank: null, cosine: null, chunk: null });
  });

  test('keeps scores between 0 and 1 when neighbours are candidates of each other', () => {
    const words = list(['a', 2], ['b', 2]);
    const neighbours = [
      { id: 'a', of: 'b', distance: 1 },
      { id: 'b', of: 'a', distance: 1 },
    ] as const;
    expect(lendToNeighbours(fuse({ words, vectors: [] }), neighbours).map(({ score }) => score)).toEqual([
      1, 1,
    ]);
  });

  test('is empty for empty lists', () => {
    expect(fuse({ words: [], vectors: [] })).toEqual([]);
  });

  test('ranks each id once, by falling scores from 0 to 1', () => {
    const entries = fc.uniqueArray(fc.tuple(fc.string(), fc.double({ min: 0, max: 20, noNaN: true })), {
      selector: ([id]) => id,
    });
    const sorted = entries.map((some) => list(...some).sort((a, b) => b.score - a.score));
    fc.assert(
      fc.property(sorted, sorted, (words, vectors) => {
        const ranked = fuse({ words, vectors });
        const ids = new Set([...words, ...vectors].map(({ id }) => id));
        expect(new Set(ranked.map(({ id }) => id))).toEqual(ids);
        expect(ranked).toHaveLength(ids.size);
        ranked.forEach(({ score }, place) => {
          expect(score).toBeGreaterThanOrEqual(0);
          expect(score).toBeLessThanOrEqual(ranked[place - 1]?.score ?? 1);
        });
      }),
    );
  });
});

describe('gapOf', () => {
  const vectors = list(['a', 0.9], ['b', 0.7]);

  test('compares the best with the mean of the others', () => {
    expect(gapOf({ words: [], vectors, background: { cosine: 0.75, vectors: 4 } })).toBeCloseTo(0.2);
  });

  test.each([
    ['without a background', { words: [], vectors }],
    ['without another vector', { words: [], vectors, background: { cosine: 0.9, vectors: 1 } }],
    ['without hits by meaning', { words: vectors, vectors: [], background: { cosine: 0.7, vectors: 9 } }],
  ])('is unknown %s', (_, lists) => {
    expect(gapOf(lists)).toBeNull();
  });
});

describe('factsFirst', () => {
  const isTurn = true as const;
  const ids = (words: CandidateLists['words']): string[] =>
    factsFirst(fuse({ words, vectors: [] })).map(({ id }) => id);

  test('puts a fact before a turn that is about as relevant, and not before a better one', () => {
    expect(
      ids([
        { id: 'turn', score: 10, isTurn },
        { id: 'fact', score: 9.5 },
      ]),
    ).toEqual(['fact', 'turn']);
    expect(
      ids([
        { id: 'turn', score: 10, isTurn },
        { id: 'fact', score: 8 },
      ]),
    ).toEqual(['turn', 'fact']);
  });

  test('changes nothing among facts alone and among turns alone', () => {
    const words = [
      { id: 'a', score: 10 },
      { id: 'b', score: 9.5 },
    ];
    const facts = fuse({ words, vectors: [] });
    expect(factsFirst(facts)).toEqual(facts);
    const turns = fuse({ words: words.map((word) => ({ ...word, isTurn })), vectors: [] });
    expect(factsFirst(turns)).toEqual(turns);
  });

  test('takes the neighbour of a turn for a turn', () => {
    const ranked = lendToNeighbours(fuse({ words: [{ id: 'a', score: 1, isTurn }], vectors: [] }), [
      { id: 'b', of: 'a', distance: 1 },
    ]);
    expect(ranked.map((each) => each.isTurn)).toEqual([true, true]);
  });
});
