import type { VectorHit } from './vector-index.ts';

/** So many more hits than wanted are asked for at first, so that equals at the border are usually all among them. */
const MARGIN = 16;

/**
 * The best hits in the order of the port: by score, equals by ascending label. FAISS cuts equals off by position,
 * so it is asked for more until something worse than the border is among the answers.
 * @param wanted at least 1, at most `available`
 * @param available number of vectors that qualify
 * @param search at least the `depth` best hits, in any order
 */
export function bestHits(
  { wanted, available }: { wanted: number; available: number },
  search: (depth: number) => VectorHit[],
): VectorHit[] {
  for (let depth = wanted + MARGIN; ; depth *= 4) {
    const hits = search(depth).sort((a, b) => b.score - a.score || a.label - b.label);
    const [border = NaN, deepest = NaN] = [hits[wanted - 1]?.score, hits[depth - 1]?.score];
    if (depth >= available || deepest < border) return hits.slice(0, wanted);
  }
}
