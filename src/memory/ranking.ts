import type { Candidate, CandidateLists } from '../store/memory-store.ts';

/** A candidate with its ranks in both lists. */
export interface RankedCandidate {
  readonly id: string;
  /** 0 to 1, comparable within one ranking. */
  readonly score: number;
  /** Ranks count from 1; null = not in that list. */
  readonly wordRank: number | null;
  readonly vectorRank: number | null;
  /** Cosine of the best chunk; null = not in the vector list. */
  readonly cosine: number | null;
  /** Best chunk by meaning, as offsets in the text; null = not in the vector list. */
  readonly chunk: { readonly start: number; readonly end: number } | null;
}

/** Weight of the vector list, 0 to 1; the word list has the rest. */
const VECTOR_WEIGHT = 0.5;

/**
 * Fuses two ranked lists by a convex combination of min-max normalised scores (Bruch, Gai, Ingber 2023,
 * "An Analysis of Fusion Functions for Hybrid Retrieval"). A candidate scores 0 in a list that lacks it. When one
 * list is empty, the other one keeps its order.
 * @returns best first; ties by better word rank, then by id
 */
export function fuse(lists: CandidateLists): RankedCandidate[] {
  const wordWeight = lists.vectors.length === 0 ? 1 : lists.words.length === 0 ? 0 : 1 - VECTOR_WEIGHT;
  const words = normalise(lists.words);
  const vectors = normalise(lists.vectors);
  const ids = new Set([...words.keys(), ...vectors.keys()]);
  const ranked = [...ids].map((id): RankedCandidate => {
    const word = words.get(id);
    const vector = vectors.get(id);
    return {
      id,
      score: wordWeight * (word?.score ?? 0) + (1 - wordWeight) * (vector?.score ?? 0),
      wordRank: word?.rank ?? null,
      vectorRank: vector?.rank ?? null,
      cosine: vector?.candidate.score ?? null,
      chunk: chunkOf(vector?.candidate),
    };
  });
  return ranked.sort(
    (a, b) =>
      b.score - a.score || (a.wordRank ?? Infinity) - (b.wordRank ?? Infinity) || (a.id < b.id ? -1 : 1),
  );
}

interface NormalisedCandidate {
  readonly candidate: Candidate;
  readonly rank: number;
  readonly score: number;
}

function normalise(list: readonly Candidate[]): Map<string, NormalisedCandidate> {
  const scores = list.map((candidate) => candidate.score);
  const lowest = Math.min(...scores);
  const range = Math.max(...scores) - lowest;
  return new Map(
    list.map((candidate, index) => [
      candidate.id,
      { candidate, rank: index + 1, score: range === 0 ? 1 : (candidate.score - lowest) / range },
    ]),
  );
}

function chunkOf(candidate: Candidate | undefined): RankedCandidate['chunk'] {
  if (candidate?.start === undefined || candidate.end === undefined) return null;
  return { start: candidate.start, end: candidate.end };
}
