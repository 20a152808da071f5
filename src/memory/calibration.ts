import { readsAsEnglish } from './languages.ts';

/** How the best hit of a query stands out by meaning. */
interface Evidence {
  /** From `gapOf`; null = unknown. */
  readonly gap: number | null;
  /** Vectors in the store. */
  readonly vectors: number;
  /** How well single words match: `SearchResponse.bestTokenMatch`; null = not compared. */
  readonly tokenMatch: number | null;
}

/** Meaning of the cosines of one model, measured on data that people judged (bench/calibrate.ts). */
export interface Calibration {
  /** False for a model that was not measured: `similarity` is the cosine itself. */
  readonly isMeasured: boolean;
  /** Turns the cosine of two memories into a similarity from 0 (unrelated) to 1 (says the same). */
  readonly similarity: (cosine: number) => number;
  /**
   * Turns the cosine of a query and a memory into a relevance from 0 (any other text) to 1 (surely answers it). Null = not
   * measured: ranks are shown, and no percentages.
   */
  readonly relevance: ((cosine: number) => number) | null;
  /** How far the best cosine of a usual question stands out of the store's mean; null = not measured. */
  readonly usualGap: number | null;
  /** True when even the best hit hardly stands out. It never asks which words match: a good paraphrase shares none. */
  readonly isWeak: (evidence: Evidence) => boolean;
  /** Two memories with at least this cosine may say the same; it never proves that they do. */
  readonly nearDuplicate: number;
  /** False for a text in a language that the model does not read; cosines of such texts mean nothing. */
  readonly reads: (text: string) => boolean;
}

/** A cosine and its meaning. Values between two knots are interpolated linearly; outside they are constant. */
type Knot = readonly [cosine: number, meaning: number];

/** Median cosine of sentence pairs that people rated 0, 1, 2, 3, 4 and 5 of 5. */
const E5_SMALL_PAIRS: readonly Knot[] = [
  [0.68, 0],
  [0.777, 0.05],
  [0.825, 0.2],
  [0.86, 0.4],
  [0.905, 0.6],
  [0.942, 0.8],
  [0.976, 0.98],
  [1, 1],
];

/** From the median cosine of any other text (0.73 to 0.80) to the 95th percentile of answers (0.88 to 0.91). */
const E5_SMALL_QUESTIONS: readonly Knot[] = [
  [0.7, 0],
  [0.77, 0.1],
  [0.79, 0.25],
  [0.83, 0.55],
  [0.86, 0.75],
  [0.9, 0.95],
  [0.95, 1],
];

/**
 * A match is weak when one of these holds. With both 0.7 % of LoCoMo's questions are called weak, 64 to 82 % of those that
 * are asked in another conversation, and all five of DevBench that nothing answers. The mean of few vectors says little
 * about usual values, and less when the step is finer.
 */
const E5_SMALL_WEAK = [
  { gap: 0.05, tokenMatch: Infinity, vectors: 10 },
  { gap: 0.06, tokenMatch: 0.5, vectors: 30 },
] as const;

const CALIBRATIONS: Readonly<Record<string, Calibration>> = {
  'e5-small-v2-int8': {
    isMeasured: true,
    similarity: (cosine) => interpolate(E5_SMALL_PAIRS, cosine),
    relevance: (cosine) => interpolate(E5_SMALL_QUESTIONS, cosine),
    usualGap: 0.09,
    isWeak: ({ gap, vectors, tokenMatch }) =>
      gap !== null &&
      E5_SMALL_WEAK.some(
        (below) => gap < below.gap && vectors >= below.vectors && (tokenMatch ?? 1) < below.tokenMatch,
      ),
    nearDuplicate: 0.945,
    // The model was trained on English. Texts in scripts that its vocabulary lacks all have nearly the same vector.
    reads: readsAsEnglish,
  },
};

/** For models that were not measured. Their cosines are compared with thresholds and never shown as percentages. */
const GENERIC: Calibration = {
  isMeasured: false,
  similarity: clamp,
  relevance: null,
  usualGap: null,
  isWeak: () => false,
  nearDuplicate: 0.9,
  reads: () => true,
};

function clamp(cosine: number): number {
  return Math.max(0, Math.min(1, cosine));
}

export function calibrationFor(modelId: string): Calibration {
  return CALIBRATIONS[modelId] ?? GENERIC;
}

function interpolate(knots: readonly Knot[], x: number): number {
  let [previousX, previousY] = knots[0] ?? [0, 0];
  if (x <= previousX) return previousY;
  for (const [nextX, nextY] of knots) {
    if (x <= nextX) return previousY + ((x - previousX) / (nextX - previousX)) * (nextY - previousY);
    [previousX, previousY] = [nextX, nextY];
  }
  return previousY;
}
