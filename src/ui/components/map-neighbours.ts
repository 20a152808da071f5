import type { MapPoint } from '../types.ts';

/** One of the four of the arrow keys. */
export interface Direction {
  readonly x: number;
  readonly y: number;
}

/** Steps aside count more than steps ahead. */
const ASIDE = 2;

/** The point to go to from here; the same one when there is none in this direction. */
export function nextInDirection(
  points: readonly MapPoint[],
  from: MapPoint | undefined,
  direction: Direction,
): MapPoint | undefined {
  if (from === undefined) return points[0];
  let best = from;
  let shortest = Infinity;
  for (const point of points) {
    const ahead = (point.x - from.x) * direction.x + (point.y - from.y) * direction.y;
    const aside = Math.abs((point.x - from.x) * direction.y) + Math.abs((point.y - from.y) * direction.x);
    const length = ahead + ASIDE * aside;
    if (ahead <= 0 || length >= shortest) continue;
    shortest = length;
    best = point;
  }
  return best;
}

/** The points around one, nearest first. */
export function nearestTo(points: readonly MapPoint[], centre: MapPoint, most: number): MapPoint[] {
  return points
    .filter((point) => point !== centre)
    .map((point) => ({ point, distance: Math.hypot(point.x - centre.x, point.y - centre.y) }))
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, most)
    .map(({ point }) => point);
}

/** The point nearest to a place; undefined where none is in reach. */
export function nearestWithin(
  points: readonly MapPoint[],
  { x, y, reach }: { readonly x: number; readonly y: number; readonly reach: number },
): MapPoint | undefined {
  let best: MapPoint | undefined;
  let shortest = reach;
  for (const point of points) {
    const distance = Math.hypot(point.x - x, point.y - y);
    if (distance > shortest) continue;
    shortest = distance;
    best = point;
  }
  return best;
}
