import type { TokenMatch } from '../store/memory-store.ts';
import type { RankedCandidate } from './ranking.ts';

/** So many of the best are compared word by word; 20 to 100 find the same. */
export const COMPARED = 50;
/** How much the comparison of single words counts, 0 to 1; the fusion has the rest (docs/decisions/0021-token-vectors.md). */
const TOKEN_WEIGHT = 0.4;

/**
 * Ranks the best candidates again by a convex combination of their fused score and of how well their single words
 * answer those of the query, normalised to 0 to 1 over the compared ones. A candidate without token vectors keeps its
 * score.
 * @param ranked best first
 * @returns best first
 */
export function rerank(
  ranked: readonly RankedCandidate[],
  matches: readonly TokenMatch[],
): RankedCandidate[] {
  const compared = ranked.slice(0, COMPARED);
  // While most token vectors are still being made, the few that are there would decide alone.
  if (matches.length < 2 || matches.length < compared.length / 2) return [...ranked];
  const scores = matches.map(({ score }) => score);
  const lowest = Math.min(...scores);
  const range = Math.max(...scores) - lowest;
  if (range === 0) return [...ranked];
  const parts = new Map(matches.map(({ id, score }) => [id, (score - lowest) / range]));
  const best = compared.map((candidate): RankedCandidate => {
    const part = parts.get(candidate.id);
    if (part === undefined) return candidate;
    const fused = (1 - TOKEN_WEIGHT) * candidate.score;
    const byWord = TOKEN_WEIGHT * part;
    return { ...candidate, score: fused + byWord, bySingleWords: byWord > fused };
  });
  const others = ranked
    .slice(COMPARED)
    .map((candidate) => ({ ...candidate, score: (1 - TOKEN_WEIGHT) * candidate.score }));
  return [...best.sort((a, b) => b.score - a.score), ...others];
}
