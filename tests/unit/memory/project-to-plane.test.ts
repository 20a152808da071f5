import { describe, expect, test } from 'vitest';
import { projectToPlane } from '../../../src/memory/map.ts';

function vectors(...rows: number[][]): Float32Array[] {
  return rows.map((row) => Float32Array.from(row));
}

describe('projectToPlane', () => {
  test('keeps the two largest spreads, whatever axes they lie on', async () => {
    const points = await projectToPlane(
      vectors([5, 9, 0, 0], [5, -9, 0, 0], [5, 0, 0, 3], [5, 0, 0, -3], [5, 0, 0.1, 0]),
    );
    expect(points.map(({ x }) => Math.abs(x)).map((x) => Math.round(x * 100) / 100)).toEqual([1, 1, 0, 0, 0]);
    expect(points.map(({ y }) => Math.abs(y)).map((y) => Math.round(y * 10) / 10)).toEqual([0, 0, 1, 1, 0]);
    expect(Math.sign(points[0]?.x ?? 0)).toBe(-Math.sign(points[1]?.x ?? 0));
  });

  test('puts groups apart', async () => {
    const near = (axis: number, noise: number) =>
      Array.from({ length: 16 }, (_, i) => (i === axis ? 1 : 0) + 0.05 * Math.sin(noise * (i + 1)));
    const points = await projectToPlane(
      vectors(...[1, 2, 3, 4].map((n) => near(2, n)), ...[5, 6, 7, 8].map((n) => near(9, n))),
    );
    const [left, right] = [points.slice(0, 4), points.slice(4)];
    const gap = Math.abs(Math.max(...left.map(({ x }) => x)) - Math.min(...right.map(({ x }) => x)));
    expect(gap).toBeGreaterThan(0.5);
  });

  test('answers the same for the same vectors', async () => {
    const rows = vectors([1, 2, 3], [3, 1, 2], [2, 3, 1], [9, 0, 0]);
    expect(await projectToPlane(rows)).toEqual(await projectToPlane(rows));
  });

  test.each([
    [[], []],
    [[[1, 2, 3]], [{ x: 0, y: 0 }]],
    [
      [
        [1, 1],
        [1, 1],
      ],
      [
        { x: 0, y: 0 },
        { x: 0, y: 0 },
      ],
    ],
  ])('draws %j, which spread nowhere, in the middle', async (rows, expected) => {
    expect(await projectToPlane(vectors(...rows))).toEqual(expected);
  });
});
