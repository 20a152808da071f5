import type { MapPoint } from '../shared/types.ts';

/** A position on the map. The points lie between -1 and 1. */
export interface Spot {
  readonly x: number;
  readonly y: number;
}

/** The visible part of the map: a square around `x` and `y`. */
export interface MapFrame extends Spot {
  readonly size: number;
}

export interface Movement {
  /** Present position in the visible square, as a fraction of its size from its middle: -0.5 is at the left or the top. */
  readonly from: Spot;
  /** Position after the movement. */
  readonly to: Spot;
  /** Factor on the size of the visible square. Below 1 zooms in. */
  readonly factor: number;
}

export const WHOLE: MapFrame = { x: 0, y: 0, size: 2.15 };
const SMALLEST = 0.05;

/** Moves and zooms the frame. The result does not leave the map. */
export function moved({ x, y, size }: MapFrame, { from, to, factor }: Movement): MapFrame {
  const next = Math.min(WHOLE.size, Math.max(SMALLEST, size * factor));
  return within({
    x: x + from.x * size - to.x * next,
    y: y + from.y * size - to.y * next,
    size: next,
  });
}

/** Zooms around a spot, whose position in the visible square does not change. */
export function zoomed(frame: MapFrame, factor: number, spot: Spot): MapFrame {
  const seenAt = { x: (spot.x - frame.x) / frame.size, y: (spot.y - frame.y) / frame.size };
  return moved(frame, { from: seenAt, to: seenAt, factor });
}

/** Moves the frame to the spot. Returns the same frame when the spot is clearly visible already. */
export function broughtIntoSight(frame: MapFrame, { x, y }: Spot): MapFrame {
  const isSeen = Math.max(Math.abs(x - frame.x), Math.abs(y - frame.y)) < frame.size * 0.45;
  return isSeen ? frame : within({ x, y, size: frame.size });
}

function within({ x, y, size }: MapFrame): MapFrame {
  const farthest = (WHOLE.size - size) / 2;
  const clamp = (value: number): number => Math.min(farthest, Math.max(-farthest, value));
  return { x: clamp(x), y: clamp(y), size };
}

/** The direction of an arrow key. */
export interface Direction {
  readonly x: number;
  readonly y: number;
}

/** Weight of the distance to the side, compared with the distance ahead. */
const ASIDE = 2;

/** @returns the next point in a direction; `from` when there is none */
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

/** @returns up to `most` points around a point, nearest first */
export function nearestTo(points: readonly MapPoint[], centre: MapPoint, most: number): MapPoint[] {
  return points
    .filter((point) => point !== centre)
    .map((point) => ({ point, distance: Math.hypot(point.x - centre.x, point.y - centre.y) }))
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, most)
    .map(({ point }) => point);
}

/** @returns the point nearest to a position; undefined when none is within reach */
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
  /** Number of points with the tag. */
  readonly count: number;
}

/** @returns up to `most` tags, the most frequent first */
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
