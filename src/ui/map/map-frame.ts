import type { MapPoint } from '../shared/types.ts';

/** A place on the map, whose points go from -1 to 1. */
export interface Spot {
  readonly x: number;
  readonly y: number;
}

/** The part of the map that is seen: a square around a middle. */
export interface MapFrame extends Spot {
  readonly size: number;
}

export interface Movement {
  /** Where something is seen, in sizes of the square from its middle: at the left and the top -0.5. */
  readonly from: Spot;
  /** Where it is to be seen. */
  readonly to: Spot;
  /** Of the square that is seen: below 1 comes closer. */
  readonly factor: number;
}

export const WHOLE: MapFrame = { x: 0, y: 0, size: 2.15 };
const SMALLEST = 0.05;

/** Never shows what is outside the map. */
export function moved({ x, y, size }: MapFrame, { from, to, factor }: Movement): MapFrame {
  const next = Math.min(WHOLE.size, Math.max(SMALLEST, size * factor));
  return within({
    x: x + from.x * size - to.x * next,
    y: y + from.y * size - to.y * next,
    size: next,
  });
}

/** A spot of the map that stays where it is seen while the map is enlarged. */
export function zoomed(frame: MapFrame, factor: number, spot: Spot): MapFrame {
  const seenAt = { x: (spot.x - frame.x) / frame.size, y: (spot.y - frame.y) / frame.size };
  return moved(frame, { from: seenAt, to: seenAt, factor });
}

/** The same frame where the spot is well in sight already. */
export function broughtIntoSight(frame: MapFrame, { x, y }: Spot): MapFrame {
  const isSeen = Math.max(Math.abs(x - frame.x), Math.abs(y - frame.y)) < frame.size * 0.45;
  return isSeen ? frame : within({ x, y, size: frame.size });
}

function within({ x, y, size }: MapFrame): MapFrame {
  const farthest = (WHOLE.size - size) / 2;
  const clamp = (value: number): number => Math.min(farthest, Math.max(-farthest, value));
  return { x: clamp(x), y: clamp(y), size };
}

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

export interface TagCount {
  readonly tag: string;
  /** Of the points that have it. */
  readonly count: number;
}

/** The tags that most points have, most frequent first. */
export function frequentTags(points: readonly MapPoint[], most: number): TagCount[] {
  const counts = new Map<string, number>();
  for (const { tags = [] } of points) {
    for (const tag of tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  }
  return [...counts]
    .map(([tag, count]) => ({ tag, count }))
    .toSorted((a, b) => b.count - a.count || (a.tag < b.tag ? -1 : 1))
    .slice(0, most);
}
