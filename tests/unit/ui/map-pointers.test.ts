import { describe, expect, test } from 'vitest';
import { MapPointers, type PointerState } from '../../../src/ui/map/map-pointers.ts';

function mouse(clientX: number, clientY: number, buttons = 1): PointerState {
  return { pointerId: 1, pointerType: 'mouse', clientX, clientY, buttons };
}

function finger(pointerId: number, clientX: number, clientY: number): PointerState {
  return { pointerId, pointerType: 'touch', clientX, clientY, buttons: 1 };
}

describe('a mouse on the map', () => {
  test('drags as soon as it moves more than a hand trembles', () => {
    const pointers = new MapPointers();
    pointers.press(mouse(100, 100));
    expect(pointers.move(mouse(102, 101))).toBeUndefined();
    expect(pointers.dragging).toBe(false);
    const gesture = pointers.move(mouse(110, 105));
    expect(gesture).toEqual({ from: { x: 100, y: 100 }, to: { x: 110, y: 105 }, factor: 1 });
    pointers.release(mouse(110, 105, 0));
    // The click comes after the button was let go.
    expect(pointers.dragging).toBe(true);
    pointers.press(mouse(110, 105));
    expect(pointers.dragging).toBe(false);
  });

  test('drags nothing without its button, even when that was let go elsewhere', () => {
    const pointers = new MapPointers();
    expect(pointers.move(mouse(100, 100))).toBeUndefined();
    pointers.press(mouse(100, 100));
    expect(pointers.move(mouse(300, 100, 0))).toBeUndefined();
    expect(pointers.move(mouse(400, 100))).toBeUndefined();
  });
});

describe('fingers on the map', () => {
  test('tremble more than a mouse', () => {
    const pointers = new MapPointers();
    pointers.press(finger(1, 100, 100));
    expect(pointers.move(finger(1, 106, 100))).toBeUndefined();
    expect(pointers.finger).toBe(true);
    expect(pointers.move(finger(1, 112, 100))).toBeDefined();
  });

  test('pinch around their middle', () => {
    const pointers = new MapPointers();
    pointers.press(finger(1, 100, 100));
    pointers.press(finger(2, 200, 100));
    // Not even a still finger taps when there are two.
    expect(pointers.dragging).toBe(true);
    const gesture = pointers.move(finger(2, 300, 100));
    expect(gesture).toEqual({ from: { x: 150, y: 100 }, to: { x: 200, y: 100 }, factor: 0.5 });
  });

  test('go on with one when the other leaves', () => {
    const pointers = new MapPointers();
    pointers.press(finger(1, 100, 100));
    pointers.press(finger(2, 200, 100));
    pointers.release(finger(1, 100, 100));
    const gesture = pointers.move(finger(2, 205, 100));
    expect(gesture).toEqual({ from: { x: 200, y: 100 }, to: { x: 205, y: 100 }, factor: 1 });
  });

  test('do not break the map where they meet', () => {
    const pointers = new MapPointers();
    pointers.press(finger(1, 100, 100));
    pointers.press(finger(2, 100, 100));
    expect(pointers.move(finger(2, 120, 100))?.factor).toBe(1);
  });
});
