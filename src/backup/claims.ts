import { RepositoryDamagedError } from '../errors/backup-errors.ts';
import { covers, MAX_COUNTER, type VersionVector, type Dot } from '../memory/version.ts';
import { manifestKey, MAX_VERSION_VECTOR_ENTRIES } from './format/names.ts';
import type { MachineReport, RepositorySnapshot, SnapshotList } from './repository/list-snapshots.ts';

/** Number of unknown machines that one snapshot may name. Each copied or rolled-back data folder adds one. */
const MAX_NEW_MACHINES = 1_000;

/** Known facts that another machine's version vector is checked against. */
export interface Witnesses {
  /** Id of this machine. */
  readonly machine: string;
  /** The version vector of this store. */
  readonly clock: VersionVector;
  /** The number of writes that each machine's own head shows. Machines whose head is unreadable or went back are absent. */
  readonly published: VersionVector;
}

/** The number of writes that each machine's own head shows. Heads that are damaged, gone or went back are left out. */
export function publishedWrites(reports: readonly MachineReport[]): VersionVector {
  return Object.fromEntries(
    reports.flatMap(({ machine, head, wentBack, replaced }) => {
      const writes = head?.head.snapshots.at(-1)?.clock[machine];
      return writes === undefined || wentBack || replaced ? [] : [[machine, writes]];
    }),
  );
}

/**
 * The reason not to trust a version vector; null when there is none. A counter above the machine's real number of
 * writes must not be merged: the store would ignore later writes with these numbers, or have no numbers left for its
 * own writes.
 */
export function claimProblem(
  clock: VersionVector,
  { machine: own, clock: known, published }: Witnesses,
): string | null {
  const made = known[own] ?? 0;
  const claimed = clock[own] ?? 0;
  if (claimed > made) {
    return `claims ${claimed} writes of this machine (${own}), which has made ${made}`;
  }
  for (const [machine, n] of Object.entries(clock)) {
    const before = known[machine] ?? 0;
    if (n > Math.max(MAX_COUNTER, before)) {
      return `claims ${n} writes of machine ${machine}, more than any machine can make`;
    }
    const shown = published[machine];
    if (shown !== undefined && n > Math.max(shown, before)) {
      return `claims ${n} writes of machine ${machine}, whose own backups hold ${shown}`;
    }
  }
  return tooManyMachines(clock, known);
}

function tooManyMachines(clock: VersionVector, known: VersionVector): string | null {
  const fresh = Object.keys(clock).filter((machine) => known[machine] === undefined).length;
  if (fresh > MAX_NEW_MACHINES) {
    return `names ${fresh} machines that were never seen here, more than ${MAX_NEW_MACHINES}`;
  }
  const all = Object.keys(known).length + fresh;
  return fresh > 0 && all > MAX_VERSION_VECTOR_ENTRIES
    ? `names machines that would make it ${all} in all, more than ${MAX_VERSION_VECTOR_ENTRIES}`
    : null;
}

/** An error when a snapshot's version vector cannot be trusted, with the way to solve it; else null. */
export function refusal(
  { machine, snapshotId, clock }: Pick<RepositorySnapshot, 'machine' | 'snapshotId' | 'clock'>,
  witnesses: Witnesses,
): RepositoryDamagedError | null {
  const problem = claimProblem(clock, witnesses);
  if (problem === null) return null;
  const fix = claimFix(machine, clock, witnesses);
  return new RepositoryDamagedError(manifestKey(machine, snapshotId), problem, { fix });
}

function claimFix(author: string, clock: VersionVector, { machine, clock: known }: Witnesses): string {
  const forget = `if you do not know machine ${author}, run "faiss-memory sync forget ${author} --unmerged"`;
  const impossible = Object.entries(clock).some(([name, n]) => n > Math.max(MAX_COUNTER, known[name] ?? 0));
  if (impossible)
    return `Run "faiss-memory doctor --fix" on machine ${author} if it is yours, or, ${forget}.`;
  const aboutUs = (clock[machine] ?? 0) > (known[machine] ?? 0);
  return aboutUs
    ? `If this data folder was copied or set back to an older state, run "faiss-memory doctor --fix". Otherwise, ${forget}.`
    : `Push from the machine that is named. If it is gone for good, run "faiss-memory sync forget" with its id. Or, ${forget}.`;
}

/**
 * An error when a machine's newest snapshot may use the names of earlier writes again, so that a merge could mistake
 * them for each other; else null. Machines with an older program cannot notice it themselves, so they are not refused.
 */
export function replacedRefusal({ machine, head, replaced }: MachineReport): RepositoryDamagedError | null {
  const newest = head?.head.snapshots.at(-1);
  if (!replaced || newest === undefined || head?.head.witnesses == null) return null;
  return new RepositoryDamagedError(
    manifestKey(machine, newest.snapshotId),
    `does not continue the earlier backups of machine ${machine}, whose data folder was copied or set back to an older state`,
    {
      fix: `Run "faiss-memory sync pull" and then "faiss-memory sync push" on machine ${machine}: it takes a new id.`,
    },
  );
}

/** @throws RepositoryDamagedError when a snapshot's version vector does not include one of the snapshot's own versions */
export function assertCovered(key: string, clock: VersionVector, dots: readonly Dot[]): void {
  const dot = dots.find((candidate) => !covers(clock, candidate));
  if (dot === undefined) return;
  throw new RepositoryDamagedError(
    key,
    `has write ${dot.n} of machine ${dot.machine}, which its version vector does not include`,
  );
}

/**
 * The version vector of the remote. Each machine's counter is limited to the number that the machine's own head
 * shows. The counter of this machine comes from its own head only; otherwise another writer could claim that this
 * machine's writes were pushed.
 */
export function believedClock({ snapshots, machines }: SnapshotList, own: string): VersionVector {
  const published = publishedWrites(machines);
  // One map for all: there may be very many machines.
  const joined = new Map<string, number>();
  for (const { clock } of snapshots) {
    for (const [machine, n] of Object.entries(clock))
      joined.set(machine, Math.max(joined.get(machine) ?? 0, n));
  }
  return Object.fromEntries(
    [...joined].flatMap(([machine, n]) => {
      const shown = published[machine] ?? (machine === own ? ownWritesOf(machines, own) : MAX_COUNTER);
      const believed = Math.min(n, shown);
      return believed === 0 ? [] : [[machine, believed]];
    }),
  );
}

function ownWritesOf(machines: readonly MachineReport[], own: string): number {
  const head = machines.find(({ machine }) => machine === own)?.head;
  return head?.head.snapshots.at(-1)?.clock[own] ?? 0;
}
