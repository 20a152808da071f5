import { SnapshotAmbiguousError, SnapshotNotFoundError } from '../../errors/backup-errors.ts';
import { nearestName } from '../../util/text.ts';
import { type SnapshotKind, utcParts } from '../format/names.ts';

/** What a name is looked up by. */
export interface NamedSnapshot {
  readonly machine: string;
  readonly snapshotId: string;
  readonly kind: SnapshotKind;
  readonly createdAt: number;
}

/** Shortest beginning of a machine id that stands for it. */
const MIN_MACHINE_PREFIX = 4;

/** `<kind>_<YYYYMMDD>_<HHMMSS>` in UTC, for people. Snapshots of two machines may share it; ids are unique. */
export function snapshotName({ kind, createdAt }: Pick<NamedSnapshot, 'kind' | 'createdAt'>): string {
  const { date, clock } = utcParts(createdAt);
  return `${kind}_${date}_${clock}`;
}

const SECOND_MS = 1_000;

/**
 * The time under which a machine's new snapshot has a name of its own: some seconds later when others of its kind
 * were made in the same one.
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
 * The snapshot that is meant by a name, by `machine/name` or `machine/id` (the machine may be shortened to its
 * first four digits or more), or by an id. The query is only compared with what the heads list and never
 * becomes part of a key, so no query can reach another object.
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

/** `machine/name` where that is enough, else `machine/id`. */
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
