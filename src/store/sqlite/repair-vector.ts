import { MAX_COUNTER, type VersionVector } from '../../memory/version.ts';
import type { ImplausibleCounter, VectorRepair } from '../replica-store.ts';
import { type Connection, Query } from './connection.ts';
import { Totals, readTotals } from './totals.ts';
import { renameVersions, selectVersions, takeNewIdentity } from './new-identity.ts';

/** Own writes that the change sequence may not count: each write takes a number of it, except writes with reused dots. */
const SLACK = 100_000;

/** Cut to the largest number that JavaScript counts exactly, because a wrong entry may be larger. */
const selectCounters = new Query<[], { machine: string; n: number }>(
  `SELECT machine, min(n, ${Number.MAX_SAFE_INTEGER}) AS n FROM clock ORDER BY machine`,
);
const selectHighest = new Query<[machine: string, limit: number], { n: number | null }>(
  'SELECT max(n) AS n FROM version WHERE machine = ? AND n <= ?',
);
const selectPublished = new Query<[limit: number], { n: number | null }>(
  'SELECT max(own_writes) AS n FROM own_commit WHERE own_writes <= ?',
);
const updateCounter = new Query<[n: number, machine: string]>('UPDATE clock SET n = ? WHERE machine = ?');
const deleteCounter = new Query<[machine: string]>('DELETE FROM clock WHERE machine = ?');

/** Entries of the version vector that are higher than the number of writes their machines can have made. */
export function implausibleCounters(connection: Connection, published: VersionVector): ImplausibleCounter[] {
  const { machine: own, sequence } = readTotals(connection);
  return selectCounters.all(connection).flatMap(({ machine, n: claimed }) => {
    const isOwn = machine === own;
    const limit = isOwn ? sequence + SLACK : (published[machine] ?? MAX_COUNTER);
    if (claimed <= limit) return [];
    const known = isOwn
      ? selectPublished.get(connection, limit)
      : selectHighest.get(connection, machine, limit);
    // Of another machine only its versions that are here are sure: a false claim may have kept its later writes out. Versions that came in and were
    // replaced before may come back as a conflict, but a number too high would make this store's snapshots remove writes.
    return [{ machine, own: isOwn, claimed, believed: known?.n ?? 0 }];
  });
}

/**
 * Lowers implausible entries of the version vector, and gives the versions above the plausible values new dots of this
 * store. When the store's own entry was wrong, it takes a new machine id, because other machines may have stored the
 * wrong entry.
 * @returns the implausible entries, and the store's machine id afterwards
 */
export function repairVector(
  connection: Connection,
  { published, newIdentity }: Pick<VectorRepair, 'published' | 'newIdentity'>,
): { readonly counters: readonly ImplausibleCounter[]; readonly machine: string } {
  const counters = implausibleCounters(connection, published);
  const { machine: own } = readTotals(connection);
  const wrongOwn = counters.find((counter) => counter.own);
  if (wrongOwn !== undefined || newIdentity) {
    const believed = wrongOwn?.believed ?? 0;
    // `takeNewIdentity` reads this entry as the number of writes that stay under the old machine id.
    updateCounter.run(connection, Math.max(believed, 0), own);
    takeNewIdentity(connection, own, believed);
  }
  for (const { machine, believed } of counters.filter((counter) => !counter.own)) {
    const totals = Totals.load(connection);
    const versions = selectVersions.all(connection, machine, believed);
    renameVersions({ connection, totals }, versions, () => totals.nextDot());
    totals.save(connection);
    if (believed > 0) updateCounter.run(connection, believed, machine);
    else deleteCounter.run(connection, machine);
  }
  return { counters, machine: readTotals(connection).machine };
}
