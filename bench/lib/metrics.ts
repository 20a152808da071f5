/** |gold in the first k| / |gold|. */
export function recallAt(k: number, ranked: readonly string[], gold: ReadonlySet<string>): number {
  return ranked.slice(0, k).filter((id) => gold.has(id)).length / gold.size;
}

/** nDCG@k with the gains of trec_eval: gain / log2(rank + 1). */
export function ndcgAt(k: number, ranked: readonly string[], gains: ReadonlyMap<string, number>): number {
  const dcg = discounted(ranked.slice(0, k).map((id) => gains.get(id) ?? 0));
  const ideal = discounted([...gains.values()].sort((a, b) => b - a).slice(0, k));
  return ideal === 0 ? 0 : dcg / ideal;
}

function discounted(gains: readonly number[]): number {
  return gains.reduce((sum, gain, index) => sum + gain / Math.log2(index + 2), 0);
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Nearest-rank percentile. @param p 0 to 100 */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)] ?? NaN;
}

const RESAMPLES = 1_000;

/** 95 % interval of the mean by bootstrap over the questions; the same numbers give the same interval. */
export function interval(values: readonly number[]): readonly [low: number, high: number] {
  const random = seededRandom(values.length);
  const means = Array.from({ length: RESAMPLES }, () =>
    mean(values.map(() => values[Math.floor(random() * values.length)] ?? 0)),
  );
  return [percentile(means, 2.5), percentile(means, 97.5)];
}

/** The minimal standard generator of Park and Miller: numbers from 0 to 1, always the same for a seed. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
