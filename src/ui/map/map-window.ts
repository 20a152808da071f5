import { useMemo, useState } from 'preact/hooks';
import { broughtIntoSight, type MapFrame, moved, type Spot, WHOLE, zoomed } from './map-frame.ts';
import { MapPointers } from './map-pointers.ts';

/** Of the logarithm of the size, for a step of a wheel; a pinch on a touch pad comes as many small ones. */
const WHEEL_STEP = 0.15;

export interface MapWindow {
  readonly viewBox: string;
  /** Of the square that is seen, in units of the map. */
  readonly size: number;
  /** All of the map is seen, so it cannot be moved. */
  readonly isWhole: boolean;
  /**
   * @param factor below 1 comes closer
   * @param spot stays where it is; default the middle
   */
  readonly zoom: (factor: number, spot?: Spot) => void;
  readonly showAll: () => void;
  /** Brings a point into sight. */
  readonly moveTo: (spot: Spot) => void;
  /** Where on the map a click is, and how far so many pixels reach there. */
  readonly reachOf: (event: MouseEvent, pixels: number) => Spot & { readonly reach: number };
  readonly pointers: MapPointers;
  readonly handlers: MapHandlers;
}

interface MapHandlers {
  readonly onWheel: (event: WheelEvent) => void;
  readonly onPointerDown: (event: PointerEvent) => void;
  readonly onPointerMove: (event: PointerEvent) => void;
  readonly onPointerUp: (event: PointerEvent) => void;
  readonly onPointerCancel: (event: PointerEvent) => void;
}

type ChangeFrame = (change: (before: MapFrame) => MapFrame) => void;

/** Moves and enlarges the map. */
export function useMapWindow(): MapWindow {
  const [frame, setFrame] = useState(WHOLE);
  const { x, y, size } = frame;
  const [pointers, handlers, actions] = useMemo(() => {
    const hand = new MapPointers();
    return [hand, handlersFor(hand, setFrame), actionsFor(setFrame)] as const;
  }, []);
  return {
    viewBox: `${x - size / 2} ${y - size / 2} ${size} ${size}`,
    size,
    isWhole: size === WHOLE.size,
    reachOf: (event, pixels) => {
      const seenAt = seenIn(event.currentTarget, { x: event.clientX, y: event.clientY });
      const reach = (pixels / sideOf(event.currentTarget)) * size;
      return { x: x + seenAt.x * size, y: y + seenAt.y * size, reach };
    },
    pointers,
    handlers,
    ...actions,
  };
}

function actionsFor(change: ChangeFrame): Pick<MapWindow, 'zoom' | 'showAll' | 'moveTo'> {
  return {
    zoom: (factor, spot) => {
      change((before) => zoomed(before, factor, spot ?? before));
    },
    showAll: () => {
      change(() => WHOLE);
    },
    moveTo: (spot) => {
      change((before) => broughtIntoSight(before, spot));
    },
  };
}

function handlersFor(pointers: MapPointers, change: ChangeFrame): MapHandlers {
  const release = (event: PointerEvent): void => {
    pointers.release(event);
  };
  return {
    // The wheel alone is for the page.
    onWheel: (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const at = seenIn(event.currentTarget, { x: event.clientX, y: event.clientY });
      const factor = Math.exp(Math.max(-WHEEL_STEP, Math.min(WHEEL_STEP, event.deltaY / 100)));
      change((before) => moved(before, { from: at, to: at, factor }));
    },
    onPointerDown: (event) => {
      if (event.button === 0) pointers.press(event);
    },
    onPointerMove: (event) => {
      const map = event.currentTarget;
      const wasDragging = pointers.dragging;
      const gesture = pointers.move(event);
      if (gesture === undefined) return;
      // So that it goes on outside the map.
      if (!wasDragging && map instanceof Element) map.setPointerCapture(event.pointerId);
      const { factor } = gesture;
      const [from, to] = [seenIn(map, gesture.from), seenIn(map, gesture.to)];
      change((before) => moved(before, { from, to, factor }));
    },
    onPointerUp: release,
    onPointerCancel: release,
  };
}

/** Where a place of the window is seen in the map, as `Movement` has it. */
function seenIn(map: EventTarget | null, { x, y }: Spot): Spot {
  if (!(map instanceof Element)) return { x: 0, y: 0 };
  const { left, top, width, height } = map.getBoundingClientRect();
  const side = sideOf(map);
  return { x: (x - left - width / 2) / side, y: (y - top - height / 2) / side };
}

/** Pixels of the square that shows the frame. */
function sideOf(map: EventTarget | null): number {
  if (!(map instanceof Element)) return 1;
  const { width, height } = map.getBoundingClientRect();
  return Math.min(width, height);
}
