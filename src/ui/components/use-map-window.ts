import { useMemo, useRef, useState } from 'preact/hooks';

/** The part of the map that is seen: a square around a middle; the whole map goes from -1 to 1. */
interface Frame {
  readonly x: number;
  readonly y: number;
  readonly size: number;
}

interface Spot {
  readonly x: number;
  readonly y: number;
}

const WHOLE: Frame = { x: 0, y: 0, size: 2.15 };
const SMALLEST = 0.05;
/** Pixels that a hand moves without meaning to drag. */
const TREMBLE = 4;

export interface MapWindow {
  readonly viewBox: string;
  /** Of the square that is seen, in units of the map. */
  readonly size: number;
  /**
   * @param factor below 1 comes closer
   * @param spot stays where it is; default the middle
   */
  readonly zoom: (factor: number, spot?: Spot) => void;
  readonly showAll: () => void;
  /** Brings a point into sight. */
  readonly moveTo: (spot: Spot) => void;
  /** True while the map is dragged, and at the click that ends it. */
  readonly isDragging: () => boolean;
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
  const grip = useRef<PointerEvent | undefined>(undefined);
  const dragged = useRef(false);
  const actions = useMemo(() => {
    const drag = (event: PointerEvent): void => {
      const from = grip.current;
      const map = event.currentTarget;
      if (from === undefined || !(map instanceof SVGSVGElement)) return;
      const isTremble = Math.hypot(event.clientX - from.clientX, event.clientY - from.clientY) < TREMBLE;
      if (!dragged.current && isTremble) return;
      if (!dragged.current) map.setPointerCapture(event.pointerId);
      dragged.current = true;
      grip.current = event;
      const [before, after] = [spotOf(map, from), spotOf(map, event)];
      setFrame(({ x, y, size }) => ({ x: x + before.x - after.x, y: y + before.y - after.y, size }));
    };
    return {
      zoom: (factor: number, spot?: Spot): void => {
        setFrame((before) => zoomed(before, factor, spot ?? before));
      },
      showAll: (): void => {
        setFrame(WHOLE);
      },
      moveTo: ({ x, y }: Spot): void => {
        setFrame((before) => {
          const isSeen = Math.max(Math.abs(x - before.x), Math.abs(y - before.y)) < before.size * 0.45;
          return isSeen ? before : { ...before, x, y };
        });
      },
      isDragging: () => dragged.current,
      mouse: {
        onWheel: (event: WheelEvent): void => {
          event.preventDefault();
          const map = event.currentTarget;
          if (!(map instanceof SVGSVGElement)) return;
          const spot = spotOf(map, event);
          setFrame((before) => zoomed(before, event.deltaY > 0 ? 1.1 : 0.9, spot));
        },
        onPointerDown: (event: PointerEvent): void => {
          grip.current = event;
          dragged.current = false;
        },
        onPointerMove: drag,
        onPointerUp: (): void => {
          grip.current = undefined;
        },
      },
    };
  }, []);
  const { x, y, size } = frame;
  return { viewBox: `${x - size / 2} ${y - size / 2} ${size} ${size}`, size, ...actions };
}

function zoomed({ x, y, size }: Frame, factor: number, spot: Spot): Frame {
  const next = Math.min(WHOLE.size, Math.max(SMALLEST, size * factor));
  const share = next / size;
  return { x: spot.x + (x - spot.x) * share, y: spot.y + (y - spot.y) * share, size: next };
}

/** Where on the map the mouse is. */
function spotOf(map: SVGSVGElement, { clientX, clientY }: MouseEvent): Spot {
  const matrix = map.getScreenCTM();
  return matrix === null ? WHOLE : new DOMPoint(clientX, clientY).matrixTransform(matrix.inverse());
}
