import type {
  CandidateLists,
  CandidateRequest,
  Standing,
  TokenMatch,
  TokenRequest,
} from '../store/memory-store.ts';
import type { TimeSpan } from '../util/time-zone.ts';
import type { Memory } from './memory.ts';
import {
  factsFirst,
  type FusionScale,
  fuse,
  lendToNeighbours,
  type Preference,
  preferred,
  type RankedCandidate,
} from './ranking.ts';

/** How one search ranks. */
export interface RankingRules {
  readonly scale: FusionScale;
  readonly preference: Preference;
}

/** A whole search: the candidates are ranked where they are found, so that only the best of them travel. */
export interface BestRequest extends Omit<CandidateRequest, 'contents' | 'standingsAt'> {
  readonly standingsAt: number;
  /** Also the best candidates of this period, which all others would crowd out. */
  readonly period?: TimeSpan;
  /** The word pieces of the query; absent = the ranking does without. */
  readonly tokens?: Omit<TokenRequest, 'candidates'>;
  readonly ranking: RankingRules;
  /** Greatest number of memories. */
  readonly best: number;
}

export interface BestMemory {
  readonly memory: Memory;
  readonly ranked: RankedCandidate;
  readonly standing: Standing | undefined;
  /** How well its word pieces answer the query; null = not compared. */
  readonly tokenMatch: number | null;
}

/** Of one state of the store. */
export interface BestMemories {
  /** Best first. */
  readonly best: readonly BestMemory[];
  /** From `gapOf`. */
  readonly gap: number | null;
  /** Vectors in the store; 0 without a query vector. */
  readonly vectors: number;
  /** Of all memories that were compared. */
  readonly bestTokenMatch: number | null;
  /** The possible age of the searched index, a sentence for people; absent when it is up to date. */
  readonly stale?: string;
}

/**
 * Fuses the lists, compares the best by their single words, lets candidates lend to their neighbours, and prefers what
 * is known to fit better.
 * @param compare how well memories answer the query word by word; empty = not compared
 * @returns best first, and the compared pieces
 */
export function rankAll(
  found: CandidateLists,
  { scale, preference, standings }: RankingRules & { readonly standings: readonly Standing[] },
  compare: (candidates: TokenRequest['candidates']) => readonly TokenMatch[],
): { readonly ranked: RankedCandidate[]; readonly matches: readonly TokenMatch[] } {
  const fused = fuse(found, scale);
  const matches = compare(
    fused
      .slice(0, COMPARED)
      .map(({ id, chunk }) => ({ id, ...(chunk === null ? {} : { start: chunk.start }) })),
  );
  const ranked = factsFirst(lendToNeighbours(rerank(fused, matches), found.neighbours ?? []));
  return { ranked: preferred(ranked, standings, preference), matches };
}

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
