import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  broughtIntoSight,
  type MapFrame,
  moved,
  type Spot,
  WHOLE,
  zoomed,
} from '../../../src/ui/map/map-frame.ts';

const MIDDLE = { x: 0, y: 0 };
/** A fourth of the map. */
const NEAR = moved(WHOLE, { from: MIDDLE, to: MIDDLE, factor: 0.5 });

/** The spot of the map that is seen there. */
function seenAt({ x, y, size }: MapFrame, place: Spot): Spot {
  return { x: x + place.x * size, y: y + place.y * size };
}

test('keeps what is held under the hand', () => {
  const movement = { from: { x: 0.1, y: -0.2 }, to: { x: 0.2, y: -0.1 }, factor: 0.8 };
  const held = seenAt(NEAR, movement.from);
  const { x, y } = seenAt(moved(NEAR, movement), movement.to);
  expect(x).toBeCloseTo(held.x);
  expect(y).toBeCloseTo(held.y);
});

test('leaves a spot in place while the map is enlarged around it', () => {
  const spot = { x: 0.3, y: 0.25 };
  const nearer = zoomed(NEAR, 0.5, spot);
  expect((spot.x - nearer.x) / nearer.size).toBeCloseTo((spot.x - NEAR.x) / NEAR.size);
  expect((spot.y - nearer.y) / nearer.size).toBeCloseTo((spot.y - NEAR.y) / NEAR.size);
});

test('never shows what is outside the map', () => {
  const place = fc.record({ x: fc.double(range(0.5)), y: fc.double(range(0.5)) });
  const movement = fc.record({
    from: place,
    to: place,
    factor: fc.double({ min: 0.1, max: 4, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(movement), (movements) => {
      const { x, y, size } = movements.reduce(moved, WHOLE);
      expect(size).toBeLessThanOrEqual(WHOLE.size);
      expect(Math.max(Math.abs(x), Math.abs(y)) + size / 2).toBeLessThanOrEqual(WHOLE.size / 2 + 1e-9);
    }),
  );
});

test('moves to a spot only when that is not seen well', () => {
  expect(broughtIntoSight(NEAR, { x: 0.1, y: 0.1 })).toBe(NEAR);
  expect(broughtIntoSight(NEAR, { x: 0.5, y: -0.52 })).toEqual({ x: 0.5, y: -0.52, size: NEAR.size });
  expect(broughtIntoSight(NEAR, { x: 1, y: 0 }).x).toBeCloseTo((WHOLE.size - NEAR.size) / 2);
});

function range(most: number) {
  return { min: -most, max: most, noNaN: true };
}
