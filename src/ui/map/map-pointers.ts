import type { Spot } from './map-frame.ts';

/** The members of a `PointerEvent` that are used here. */
export interface PointerState {
  readonly pointerId: number;
  readonly pointerType: string;
  readonly clientX: number;
  readonly clientY: number;
  readonly buttons: number;
}

/** A movement of the mouse or of all fingers together, in pixels of the window. */
export interface Gesture {
  readonly from: Spot;
  readonly to: Spot;
  /** Below 1 when the fingers moved apart, which zooms in. */
  readonly factor: number;
}

/** Movements below this number of pixels are not a drag. */
const TREMBLE = 4;
const TREMBLE_OF_FINGER = 10;

/** Tracks the pressed mouse button or the fingers on the map. */
export class MapPointers {
  readonly #positions = new Map<number, Spot>();
  #dragging = false;
  #finger = false;

  /** True while the map is dragged or pinched, and during the click event at the end. */
  get dragging(): boolean {
    return this.#dragging;
  }

  /** True when a finger, not a mouse, touched the map last. */
  get finger(): boolean {
    return this.#finger;
  }

  press(pointer: PointerState): void {
    this.#finger = pointer.pointerType === 'touch';
    // A mouse has only one position, even if the release of its button was missed.
    if (!this.#finger) this.#positions.clear();
    this.#dragging = this.#positions.size > 0;
    this.#positions.set(pointer.pointerId, positionOf(pointer));
  }

  /** @returns the movement; undefined when there is none */
  move(pointer: PointerState): Gesture | undefined {
    const before = this.#positions.get(pointer.pointerId);
    if (before === undefined) return undefined;
    // The button was released outside the map.
    if (pointer.buttons === 0) {
      this.release(pointer);
      return undefined;
    }
    const after = positionOf(pointer);
    const tremble = pointer.pointerType === 'touch' ? TREMBLE_OF_FINGER : TREMBLE;
    if (!this.#dragging && Math.hypot(after.x - before.x, after.y - before.y) < tremble) return undefined;
    this.#dragging = true;
    const [from, width] = this.#grip();
    this.#positions.set(pointer.pointerId, after);
    const [to, widthAfter] = this.#grip();
    return { from, to, factor: width === 0 || widthAfter === 0 ? 1 : width / widthAfter };
  }

  release({ pointerId }: Pick<PointerState, 'pointerId'>): void {
    this.#positions.delete(pointerId);
  }

  /** The middle of all positions, and the sum of their distances from it: 0 for one position. */
  #grip(): readonly [middle: Spot, width: number] {
    const positions = [...this.#positions.values()];
    const sum = positions.reduce((all, { x, y }) => ({ x: all.x + x, y: all.y + y }), { x: 0, y: 0 });
    const middle = { x: sum.x / positions.length, y: sum.y / positions.length };
    const distances = positions.map(({ x, y }) => Math.hypot(x - middle.x, y - middle.y));
    return [middle, distances.reduce((all, distance) => all + distance, 0)];
  }
}

function positionOf({ clientX, clientY }: PointerState): Spot {
  return { x: clientX, y: clientY };
}
