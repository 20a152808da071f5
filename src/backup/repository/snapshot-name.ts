import { SnapshotAmbiguousError, SnapshotNotFoundError } from '../../errors/backup-errors.ts';
import { nearestName } from '../../util/text.ts';
import { type SnapshotKind, utcParts } from '../format/names.ts';

/** The fields that a snapshot can be found by. */
export interface NamedSnapshot {
  readonly machine: string;
  readonly snapshotId: string;
  readonly kind: SnapshotKind;
  readonly createdAt: number;
}

/** Minimum length of an abbreviated machine id. */
const MIN_MACHINE_PREFIX = 4;

/** `<kind>_<YYYYMMDD>_<HHMMSS>` in UTC. Snapshots of two machines may have the same name; ids are unique. */
export function snapshotName({ kind, createdAt }: Pick<NamedSnapshot, 'kind' | 'createdAt'>): string {
  const { date, clock } = utcParts(createdAt);
  return `${kind}_${date}_${clock}`;
}

const SECOND_MS = 1_000;

/**
 * Returns the first time from `createdAt` on, in steps of a second, at which the snapshot's name is not taken.
 */
export function freeTime(
  { kind, createdAt }: Pick<NamedSnapshot, 'kind' | 'createdAt'>,
  others: readonly Pick<NamedSnapshot, 'kind' | 'createdAt'>[],
): number {
  const taken = new Set(others.map(snapshotName));
  let free = createdAt;
  while (taken.has(snapshotName({ kind, createdAt: free }))) free += SECOND_MS;
  return free;
}

/**
 * Finds a snapshot by its name, its id, `machine/name` or `machine/id`. The machine may be shortened to its first
 * four digits or more. The query is only compared with listed snapshots and never becomes part of a key, so it cannot
 * reach another object.
 * @throws SnapshotNotFoundError, SnapshotAmbiguousError
 */
export function resolveSnapshot<T extends NamedSnapshot>(query: string, snapshots: readonly T[]): T {
  const slash = query.indexOf('/');
  const machine = slash === -1 ? null : query.slice(0, slash);
  const name = query.slice(slash + 1);
  const found = snapshots.filter(
    (snapshot) =>
      (machine === null || isMachine(machine, snapshot.machine)) &&
      (snapshot.snapshotId === name || snapshotName(snapshot) === name),
  );
  const [first] = found;
  if (first === undefined) throw notFound(query, snapshots);
  if (found.length > 1) throw new SnapshotAmbiguousError(query, candidates(found));
  return first;
}

function isMachine(query: string, machine: string): boolean {
  return query.length >= MIN_MACHINE_PREFIX && machine.startsWith(query);
}

/** `machine/name` where it is unique, else `machine/id`. */
function candidates(snapshots: readonly NamedSnapshot[]): string[] {
  const names = snapshots.map((snapshot) => `${snapshot.machine}/${snapshotName(snapshot)}`);
  return snapshots.map((snapshot, index) => {
    const name = names[index] ?? '';
    return names.filter((other) => other === name).length === 1
      ? name
      : `${snapshot.machine}/${snapshot.snapshotId}`;
  });
}

function notFound(query: string, snapshots: readonly NamedSnapshot[]): SnapshotNotFoundError {
  const nearest = nearestName(query.slice(0, 100), new Set(snapshots.map(snapshotName)));
  return new SnapshotNotFoundError(query, nearest);
}
