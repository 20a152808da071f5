import { useRef, useState } from 'preact/hooks';

/** The part of the map that is seen: a square around a middle; the whole map goes from -1 to 1. */
interface Frame {
  readonly x: number;
  readonly y: number;
  readonly size: number;
}

const WHOLE: Frame = { x: 0, y: 0, size: 2.15 };
const SMALLEST = 0.05;

export interface MapWindow {
  readonly frame: Frame;
  readonly viewBox: string;
  /** @param factor below 1 comes closer */
  readonly zoom: (factor: number) => void;
  /** Brings a point into sight. */
  readonly moveTo: (point: { readonly x: number; readonly y: number }) => void;
  readonly mouse: {
    readonly onWheel: (event: WheelEvent) => void;
    readonly onPointerDown: (event: PointerEvent) => void;
    readonly onPointerMove: (event: PointerEvent) => void;
    readonly onPointerUp: () => void;
  };
}

/** Moves and enlarges the map. */
export function useMapWindow(): MapWindow {
  const [frame, setFrame] = useState(WHOLE);
  const grip = useRef<{ readonly left: number; readonly top: number } | null>(null);
  const zoom = (factor: number): void => {
    setFrame((before) => ({
      ...before,
      size: Math.min(WHOLE.size, Math.max(SMALLEST, before.size * factor)),
    }));
  };
  const moveTo: MapWindow['moveTo'] = ({ x, y }) => {
    setFrame((before) => {
      const isSeen = Math.max(Math.abs(x - before.x), Math.abs(y - before.y)) < before.size * 0.45;
      return isSeen ? before : { ...before, x, y };
    });
  };
  const drag = (event: PointerEvent): void => {
    const from = grip.current;
    const map = event.currentTarget;
    if (from === null || !(map instanceof Element)) return;
    const width = map.clientWidth;
    grip.current = { left: event.clientX, top: event.clientY };
    setFrame((before) => ({
      ...before,
      x: before.x - ((event.clientX - from.left) / width) * before.size,
      y: before.y - ((event.clientY - from.top) / width) * before.size,
    }));
  };
  return {
    frame,
    viewBox: `${frame.x - frame.size / 2} ${frame.y - frame.size / 2} ${frame.size} ${frame.size}`,
    zoom,
    moveTo,
    mouse: {
      onWheel: (event) => {
        event.preventDefault();
        zoom(event.deltaY > 0 ? 1.1 : 0.9);
      },
      onPointerDown: (event) => {
        grip.current = { left: event.clientX, top: event.clientY };
      },
      onPointerMove: drag,
      onPointerUp: () => {
        grip.current = null;
      },
    },
  };
}
