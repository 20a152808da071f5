import fc from 'fast-check';
import { expect, test } from 'vitest';
import { believedClock } from '../../../src/backup/claims.ts';
import { orderSnapshots, type RepositorySnapshot } from '../../../src/backup/repository/list-snapshots.ts';
import {
  compareVersionVectors,
  joinVersionVectors,
  type VersionVector,
} from '../../../src/memory/version.ts';

interface Snapshot {
  readonly machine: number;
  readonly createdAt: number;
  readonly clock: VersionVector;
}

test('independent snapshots are ordered by time', () => {
  const lists: Omit<Snapshot, 'machine'>[][] = [
    [
      { createdAt: 1, clock: { a: 1 } },
      { createdAt: 4, clock: { a: 2 } },
    ],
    [
      { createdAt: 2, clock: { b: 1 } },
      { createdAt: 3, clock: { b: 2 } },
    ],
  ];
  expect(orderSnapshots(lists).map(({ createdAt }) => createdAt)).toEqual([1, 2, 3, 4]);
});

test('no snapshot stands before one that it includes, however wrong the clocks are', () => {
  const step = fc.record({
    machine: fc.nat({ max: 3 }),
    merge: fc.option(fc.nat({ max: 3 })),
    createdAt: fc.integer({ min: -1_000, max: 1_000 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const lists: Snapshot[][] = [[], [], [], []];
      for (const { machine, merge, createdAt } of steps) {
        const list = lists[machine] ?? [];
        const own = list.at(-1)?.clock ?? {};
        const other = merge === null ? {} : (lists[merge]?.at(-1)?.clock ?? {});
        const name = `m${machine}`;
        const clock = { ...joinVersionVectors(own, other), [name]: (own[name] ?? 0) + 1 };
        list.push({ machine, createdAt, clock });
      }
      const ordered = orderSnapshots(lists);
      expect(ordered).toHaveLength(steps.length);
      for (const [index, snapshot] of ordered.entries()) {
        for (const later of ordered.slice(index + 1)) {
          expect(compareVersionVectors(later.clock, snapshot.clock)).not.toBe('before');
        }
      }
      for (const [machine, list] of lists.entries()) {
        expect(ordered.filter((snapshot) => snapshot.machine === machine)).toEqual(list);
      }
    }),
  );
});

test('the snapshots of very many machines are ordered at once, by the writes that they include', () => {
  const lists = Array.from({ length: 20_000 }, (_, index): Omit<Snapshot, 'machine'>[] => [
    // Each machine includes what all those after it wrote, and says that it is older.
    { createdAt: index, clock: { shared: 20_000 - index } },
    { createdAt: index, clock: { shared: 20_000 - index, own: 20_000 } },
  ]);
  const started = performance.now();
  const ordered = orderSnapshots(lists);
  expect(performance.now() - started).toBeLessThan(5_000);
  expect(ordered).toHaveLength(40_000);
  const writes = ordered.map(({ clock }) => Object.values(clock).reduce((sum, n) => sum + n, 0));
  expect(writes).toEqual(writes.toSorted((a, b) => a - b));
});

test('what very many machines have published is joined at once', () => {
  const snapshots = Array.from({ length: 20_000 }, (_, index) => ({ clock: { [`machine${index}`]: 1 } }));
  const started = performance.now();
  const clock = believedClock(
    { snapshots: snapshots as unknown as RepositorySnapshot[], machines: [] },
    'own',
  );
  expect(performance.now() - started).toBeLessThan(5_000);
  expect(Object.keys(clock)).toHaveLength(20_000);
});
