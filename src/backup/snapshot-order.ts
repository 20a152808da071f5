import { compareClocks, type Clock } from '../memory/version.ts';

export interface OrderedSnapshot {
  readonly createdAt: number;
  readonly clock: Clock;
}

/**
 * All machines' snapshots in one order, oldest first: a snapshot never stands before one that it includes;
 * among the rest the time decides. Names decide nothing, and a wrong clock can only misplace snapshots that
 * do not include each other.
 * @param lists one list a machine, each in its order of publication
 */
export function orderSnapshots<T extends OrderedSnapshot>(lists: readonly (readonly T[])[]): T[] {
  const queues = lists.filter((list) => list.length > 0).map((list) => ({ list, next: 0 }));
  const ordered: T[] = [];
  for (;;) {
    const fronts = queues.flatMap((queue) => {
      const snapshot = queue.list[queue.next];
      return snapshot === undefined ? [] : [{ queue, snapshot }];
    });
    const [first, ...rest] = fronts.filter(({ snapshot }) => !includesAnother(snapshot, fronts));
    if (first === undefined) return ordered;
    const earliest = rest.reduce(
      (best, front) => (front.snapshot.createdAt < best.snapshot.createdAt ? front : best),
      first,
    );
    ordered.push(earliest.snapshot);
    earliest.queue.next += 1;
  }
}

function includesAnother<T extends OrderedSnapshot>(
  snapshot: T,
  fronts: readonly { readonly snapshot: T }[],
): boolean {
  return fronts.some((other) => compareClocks(other.snapshot.clock, snapshot.clock) === 'before');
}
