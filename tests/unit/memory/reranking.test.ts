import { describe, expect, test } from 'vitest';
import { fuse, lendToNeighbours } from '../../../src/memory/ranking.ts';
import { COMPARED, rerank } from '../../../src/memory/reranking.ts';

const ranked = (...scores: [id: string, score: number][]) =>
  fuse(
    { words: scores.map(([id, score]) => ({ id, score })), vectors: [] },
    { depth: 50, usualGap: null, trust: 1 },
  );
const match = (id: string, score: number) => ({ id, score, plain: score });

describe('rerank', () => {
  test('gives single words a part of the score, normalised over the compared memories', () => {
    const fused = ranked(['a', 10], ['b', 8], ['c', 0]);
    const again = rerank(fused, [match('a', 0.6), match('b', 0.8), match('c', 0.7)]);
    expect(again.map(({ id, score, bySingleWords }) => [id, score.toFixed(3), bySingleWords])).toEqual([
      ['b', '0.880', false],
      ['a', '0.600', false],
      ['c', '0.200', true],
    ]);
  });

  test('leaves the score of a memory without token vectors as it is', () => {
    const again = rerank(ranked(['a', 10], ['b', 5], ['c', 0]), [match('a', 0.9), match('c', 0.1)]);
    expect(again.map(({ id, score }) => [id, score])).toEqual([
      ['a', 1],
      ['b', 0.5],
      ['c', 0],
    ]);
  });

  test.each([
    ['of fewer than half of them', [match('c', 0.9)]],
    ['of two of five', [match('c', 0.9), match('d', 0.1)]],
    ['that are all alike', ['a', 'b', 'c', 'd', 'e'].map((id) => match(id, 0.5))],
  ])('changes nothing with token vectors %s', (_, matches) => {
    const fused = ranked(['a', 10], ['b', 8], ['c', 6], ['d', 4], ['e', 2]);
    expect(rerank(fused, matches)).toEqual(fused);
  });

  test('keeps what it does not compare behind what it compares', () => {
    const many = Array.from({ length: COMPARED + 10 }, (_, index): [string, number] => [
      `m${String(index).padStart(2, '0')}`,
      100 - index,
    ]);
    const fused = ranked(...many);
    const again = rerank(
      fused,
      fused.slice(0, COMPARED).map(({ id }, index) => match(id, index)),
    );
    const before = fused.map(({ id }) => id);
    expect(again.slice(COMPARED).map(({ id }) => id)).toEqual(before.slice(COMPARED));
    expect(again.map(({ score }) => score)).toEqual(again.map(({ score }) => score).sort((a, b) => b - a));
  });

  test('does not say that single words carried a memory that its neighbours carried', () => {
    const again = rerank(ranked(['a', 10], ['b', 0.1], ['c', 0]), [
      match('a', 0.5),
      match('b', 0.52),
      match('c', 0.4),
    ]);
    expect(again.find(({ id }) => id === 'b')).toMatchObject({ bySingleWords: true });
    const lent = lendToNeighbours(
      again.map((candidate) => (candidate.id === 'b' ? { ...candidate, score: 0.05 } : candidate)),
      [{ id: 'b', of: 'a', distance: 1 }],
    );
    expect(lent.find(({ id }) => id === 'b')).toMatchObject({ bySingleWords: false, byNeighbours: true });
  });
});
