/** What a cosine of one model means. Measured on sentence pairs that people rated from 0 to 5 (bench/calibrate.ts). */
export interface Calibration {
  /** Cosine to a similarity from 0 (unrelated) to 1 (says the same). */
  readonly similarity: (cosine: number) => number;
  /** Cosine from which a text has to do with the query. */
  readonly related: number;
  /** Cosine from which two memories may say the same; never proof that they do. */
  readonly nearDuplicate: number;
}

/** Cosine and similarity; linear between, flat outside. */
type Knot = readonly [cosine: number, similarity: number];

const E5_SMALL_KNOTS: readonly Knot[] = [
  [0.7, 0],
  [0.77, 0.05],
  [0.83, 0.3],
  [0.885, 0.5],
  [0.94, 0.8],
  [0.98, 0.98],
  [1, 1],
];

const CALIBRATIONS: Readonly<Record<string, Calibration>> = {
  'e5-small-v2-int8': {
    similarity: (cosine) => interpolate(E5_SMALL_KNOTS, cosine),
    related: 0.8,
    nearDuplicate: 0.945,
  },
};

/** Models that were not measured: cosines are taken as they are. */
const GENERIC: Calibration = {
  similarity: (cosine) => Math.max(0, Math.min(1, cosine)),
  related: 0.3,
  nearDuplicate: 0.9,
};

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
