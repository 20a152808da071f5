/** Memory of a server after so many operations. */
export interface MemoryPoint {
  readonly operations: number;
  /** MB. */
  readonly resident: number;
}

/** Of these the model, the caches and the compiled code are filled. */
export const WARM_PART = 1 / 3;

/**
 * MB that each 10,000 operations add after the warm part, which is left out: the slope through the middle of all pairs of
 * points (Theil and Sen), because garbage makes a saw of the points, whose last tooth would bend a line of least squares.
 * @returns NaN when there are too few points
 */
export function growth(points: readonly MemoryPoint[]): number {
  const from = (points.at(-1)?.operations ?? 0) * WARM_PART;
  const warm = points.filter(({ operations }) => operations >= from);
  if (warm.length < 3) return NaN;
  const slopes = warm
    .flatMap((first, index) =>
      warm
        .slice(index + 1)
        .map((second) => (second.resident - first.resident) / (second.operations - first.operations)),
    )
    .filter((slope) => Number.isFinite(slope))
    .sort((first, second) => first - second);
  const middle = (slopes.length - 1) / 2;
  const [low = NaN, high = NaN] = [slopes[Math.floor(middle)], slopes[Math.ceil(middle)]];
  return 10_000 * ((low + high) / 2);
}
