import type { SearchHit, SearchResponse } from './memory-api.ts';

/** The answer of one of several stores to the same question. */
export interface SourceAnswer {
  readonly source: string;
  readonly response: SearchResponse;
}

export interface MergedHit extends SearchHit {
  readonly source: string;
}

/**
 * Merges the ranked lists of several stores. The scores of a list are relative to its best hit, so each list counts as
 * much as its best hit says by measures that mean the same everywhere: half for its calibrated similarity by meaning,
 * half for its share of the words of the query that any list found. Where no list has a similarity, the words alone
 * count. The best gets the score 1. @returns best first; ties stand in the order of the sources
 */
export function mergeAnswers(answers: readonly SourceAnswer[], limit: number): MergedHit[] {
  const words = Math.max(0, ...answers.map(({ response }) => wordsOf(response)));
  const similarity = Math.max(0, ...answers.map(({ response }) => similarityOf(response)));
  const strengthOf = (response: SearchResponse): number =>
    (similarity > 0 ? similarityOf(response) / similarity : 0) + (words > 0 ? wordsOf(response) / words : 0);
  const hits = answers.flatMap(({ source, response }) => {
    const strength = strengthOf(response);
    return response.hits.map((hit) => ({ ...hit, source, score: hit.score * strength }));
  });
  const best = Math.max(...hits.map(({ score }) => score));
  return hits
    .map((hit) => ({ ...hit, score: best > 0 ? hit.score / best : hit.score }))
    .sort((a, b) => b.score - a.score)
    .slice(0, limit);
}

function similarityOf({ hits }: SearchResponse): number {
  return Math.max(0, ...hits.map((hit) => hit.similarity ?? 0));
}

function wordsOf({ hits }: SearchResponse): number {
  return Math.max(0, ...hits.map(({ matchedWords }) => matchedWords.length));
}
