import type { Spot } from './map-frame.ts';

/** What is used of a `PointerEvent`. */
export interface PointerState {
  readonly pointerId: number;
  readonly pointerType: string;
  readonly clientX: number;
  readonly clientY: number;
  readonly buttons: number;
}

/** What the mouse or the fingers did together, in pixels of the window. */
export interface Gesture {
  readonly from: Spot;
  readonly to: Spot;
  /** Below 1: the fingers went apart, so the map comes closer. */
  readonly factor: number;
}

/** Pixels that a hand moves without meaning to drag. */
const TREMBLE = 4;
const TREMBLE_OF_FINGER = 10;

/** The mouse button that is held down on the map, or the fingers that are on it. */
export class MapPointers {
  readonly #positions = new Map<number, Spot>();
  #dragging = false;
  #finger = false;

  /** True while the map is dragged or pinched, and at the click that ends it. */
  get dragging(): boolean {
    return this.#dragging;
  }

  /** Whether what touched the map last was a finger. */
  get finger(): boolean {
    return this.#finger;
  }

  press(pointer: PointerState): void {
    this.#finger = pointer.pointerType === 'touch';
    // A mouse has one place, whatever became of its last button.
    if (!this.#finger) this.#positions.clear();
    this.#dragging = this.#positions.size > 0;
    this.#positions.set(pointer.pointerId, positionOf(pointer));
  }

  /** @returns undefined where nothing is to be moved */
  move(pointer: PointerState): Gesture | undefined {
    const before = this.#positions.get(pointer.pointerId);
    if (before === undefined) return undefined;
    // It was let go outside the map.
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

  /** The middle of all, and how far they are from it; 0 of a single one. */
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
