import { useMemo, useState } from 'preact/hooks';
import { broughtIntoSight, type MapFrame, moved, type Spot, WHOLE, zoomed } from './map-frame.ts';
import { MapPointers } from './map-pointers.ts';

/** Maximum change of the size's logarithm by one wheel event. A pinch on a touch pad sends many small events. */
const WHEEL_STEP = 0.15;

export interface MapWindow {
  readonly viewBox: string;
  /** Size of the visible square, in units of the map. */
  readonly size: number;
  /** True when the whole map is visible, so that it cannot be moved. */
  readonly isWhole: boolean;
  /**
   * @param factor below 1 zooms in
   * @param spot the centre of the zoom; default: the middle of the visible square
   */
  readonly zoom: (factor: number, spot?: Spot) => void;
  readonly showAll: () => void;
  /** Moves the map so that the spot is visible. */
  readonly moveTo: (spot: Spot) => void;
  /** @returns the position of a click on the map, and the length of `pixels` in units of the map as `reach` */
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

/** The state of the visible part of the map, with the handlers that move and zoom it. */
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
    // The wheel without a key scrolls the page.
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
      // With the capture, the drag continues outside the map.
      if (!wasDragging && map instanceof Element) map.setPointerCapture(event.pointerId);
      const { factor } = gesture;
      const [from, to] = [seenIn(map, gesture.from), seenIn(map, gesture.to)];
      change((before) => moved(before, { from, to, factor }));
    },
    onPointerUp: release,
    onPointerCancel: release,
  };
}

/** Converts a position in the window to one in the visible square, in the units of `Movement`. */
function seenIn(map: EventTarget | null, { x, y }: Spot): Spot {
  if (!(map instanceof Element)) return { x: 0, y: 0 };
  const { left, top, width, height } = map.getBoundingClientRect();
  const side = sideOf(map);
  return { x: (x - left - width / 2) / side, y: (y - top - height / 2) / side };
}

/** Size of the visible square in pixels. */
function sideOf(map: EventTarget | null): number {
  if (!(map instanceof Element)) return 1;
  const { width, height } = map.getBoundingClientRect();
  return Math.min(width, height);
}
