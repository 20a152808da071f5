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
