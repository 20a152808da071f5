import { describe, expect, test } from 'vitest';
import { nearestTo, nearestWithin, nextInDirection } from '../../../src/ui/map/map-frame.ts';
import type { MapPoint } from '../../../src/ui/shared/types.ts';

function point(id: string, x: number, y: number): MapPoint {
  return { id, x, y, text: id, created: '2026-01-01T00:00:00.000Z' };
}

const centre = point('centre', 0, 0);
const right = point('right', 0.3, 0.05);
const far = point('far', 0.9, 0);
const above = point('above', 0, -0.5);
const points = [centre, right, far, above];
const RIGHT = { x: 1, y: 0 };

describe('walking over the map', () => {
  test('goes to the nearest point ahead', () => {
    expect(nextInDirection(points, centre, RIGHT)).toBe(right);
    expect(nextInDirection(points, right, RIGHT)).toBe(far);
    expect(nextInDirection(points, centre, { x: 0, y: -1 })).toBe(above);
  });

  test('prefers what is straight ahead to what is nearer but aside', () => {
    const aside = point('aside', 0.1, 0.4);
    expect(nextInDirection([centre, aside, right], centre, RIGHT)).toBe(right);
  });

  test('stays where nothing is ahead, and begins at the first point', () => {
    expect(nextInDirection(points, far, RIGHT)).toBe(far);
    expect(nextInDirection(points, undefined, RIGHT)).toBe(centre);
    expect(nextInDirection([], undefined, RIGHT)).toBeUndefined();
  });
});

test('finds the nearest points without the one in the middle', () => {
  expect(nearestTo(points, centre, 2)).toEqual([right, above]);
  expect(nearestTo(points, centre, 9)).toEqual([right, above, far]);
});

test('finds the point that a finger means, if there is one in reach', () => {
  expect(nearestWithin(points, { x: 0.28, y: 0, reach: 0.1 })).toBe(right);
  expect(nearestWithin(points, { x: 0.28, y: 0, reach: 1 })).toBe(right);
  expect(nearestWithin(points, { x: 0.6, y: 0, reach: 0.1 })).toBeUndefined();
});
