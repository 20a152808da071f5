import { expect, test } from 'vitest';
import type { SearchHit, SearchResponse } from '../../../src/memory/memory-api.ts';
import { mergeAnswers } from '../../../src/memory/merged-search.ts';

type HitFacts = readonly [id: string, score: number, similarity: number | null, words: number];

/** What the merge reads of an answer. */
function answer(source: string, hits: readonly HitFacts[]): { source: string; response: SearchResponse } {
  const response = {
    hits: hits.map(([id, score, similarity, words]) => ({
      memory: { id },
      score,
      similarity,
      matchedWords: Array.from({ length: words }, (_, n) => `word${n}`),
    })) as unknown as SearchHit[],
  };
  return { source, response: response as unknown as SearchResponse };
}

function order(answers: readonly HitFacts[][], limit = 10): string[] {
  return mergeAnswers(
    answers.map((hits, index) => answer(String(index), hits)),
    limit,
  ).map(({ memory, source }) => `${source}${memory.id}`);
}

test('a list whose best hit fits better counts more', () => {
  const weak: HitFacts[] = [
    ['a', 1, 0.2, 1],
    ['b', 0.9, 0.2, 1],
  ];
  const strong: HitFacts[] = [
    ['c', 1, 0.8, 3],
    ['d', 0.5, 0.5, 2],
  ];
  expect(order([weak, strong])).toEqual(['1c', '1d', '0a', '0b']);
  expect(order([weak, strong], 2)).toEqual(['1c', '1d']);
});

test('keeps the order of each list, and that of the sources among equals', () => {
  const list: HitFacts[] = [
    ['a', 1, 0.5, 1],
    ['b', 0.5, 0.9, 1],
  ];
  expect(order([list, list])).toEqual(['0a', '1a', '0b', '1b']);
});

test('without similarities the words count, and the best has the score 1', () => {
  const merged = mergeAnswers([answer('x', [['a', 1, null, 1]]), answer('y', [['b', 1, null, 4]])], 5);
  expect(merged.map(({ source, score }) => [source, score])).toEqual([
    ['y', 1],
    ['x', 0.25],
  ]);
});

test('nothing merges to nothing', () => {
  expect(order([[], []])).toEqual([]);
});
