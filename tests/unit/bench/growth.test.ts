import { expect, test } from 'vitest';
import { growth } from '../../../bench/lib/growth.ts';

const points = (resident: (operations: number) => number) =>
  Array.from({ length: 31 }, (_, index) => ({ operations: index * 500, resident: resident(index * 500) }));

test('a server that only fills its caches at first is flat', () => {
  expect(growth(points((operations) => 250 + Math.min(40, operations / 100)))).toBe(0);
});

test('a saw of garbage is flat, whatever its last tooth', () => {
  const saw = growth(points((operations) => 250 + ((operations / 500) % 7) * 6));
  expect(Math.abs(saw)).toBeLessThan(4);
});

test('a server that keeps a kilobyte of each operation grows by ten megabytes', () => {
  const leak = points((operations) => 250 + operations / 1_000 + ((operations / 500) % 3));
  expect(growth(leak)).toBeCloseTo(10, 0);
});

test('too few points are no result', () => {
  expect(growth(points(() => 250).slice(0, 3))).toBeNaN();
});
