import { RepositoryDamagedError } from '../errors/backup-errors.ts';
import { covers, joinVersionVectors, MAX_COUNTER, type VersionVector, type Dot } from '../memory/version.ts';
import { manifestKey, MAX_VERSION_VECTOR_ENTRIES } from './format/names.ts';
import type { MachineReport, RepositorySnapshot, SnapshotList } from './repository/list-snapshots.ts';

/** Machines that one snapshot may name for the first time: each copied or rolled-back data folder adds one. */
const MAX_NEW_MACHINES = 1_000;

/** What this store can hold against the version vector of another machine. */
export interface Witnesses {
  /** This machine, and the highest of its writes. */
  readonly machine: string;
  /** Of this store. */
  readonly clock: VersionVector;
  /** For each machine whose head can be read and did not go back: how many writes it says to have made. */
  readonly published: VersionVector;
}

/** How many writes each machine says to have made; machines whose head is damaged, gone or went back say nothing. */
export function publishedWrites(reports: readonly MachineReport[]): VersionVector {
  return Object.fromEntries(
    reports.flatMap(({ machine, head, wentBack }) => {
      const writes = head?.head.snapshots.at(-1)?.clock[machine];
      return writes === undefined || wentBack ? [] : [[machine, writes]];
    }),
  );
}

/**
 * Why a version vector is not to be believed; null = nothing speaks against it. A counter that nobody reached would
 * make this store deaf for the writes that get these numbers, or leave it without numbers for its own.
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

/** Why the version vector of a snapshot is not to be believed, with what to do about it; null = nothing speaks against it. */
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
  const forget = `run "faiss-memory sync forget ${author} --unmerged" when you do not know machine ${author}`;
  const impossible = Object.entries(clock).some(([name, n]) => n > Math.max(MAX_COUNTER, known[name] ?? 0));
  if (impossible) return `Run "faiss-memory doctor --fix" on machine ${author} if it is yours, or ${forget}.`;
  const aboutUs = (clock[machine] ?? 0) > (known[machine] ?? 0);
  return aboutUs
    ? `If this data folder was copied or set back to an older state, run "faiss-memory doctor --fix"; else ${forget}.`
    : `Push from the machine that is named, run "faiss-memory sync forget" for it when it is gone for good, or ${forget}.`;
}

/** @throws RepositoryDamagedError when a version vector does not include a version that comes with it */
export function assertCovered(key: string, clock: VersionVector, dots: readonly Dot[]): void {
  const dot = dots.find((candidate) => !covers(clock, candidate));
  if (dot === undefined) return;
  throw new RepositoryDamagedError(
    key,
    `has write ${dot.n} of machine ${dot.machine}, which its version vector does not include`,
  );
}

/**
 * All writes that the remote holds, as far as it can be believed: of a machine whose head can be read, what that says.
 * Of this machine only its own head counts, so that nobody else can make it believe that it has pushed.
 */
export function believedClock({ snapshots, machines }: SnapshotList, own: string): VersionVector {
  const published = publishedWrites(machines);
  const joined = snapshots.reduce<VersionVector>((sum, { clock }) => joinVersionVectors(sum, clock), {});
  return Object.fromEntries(
    Object.entries(joined).flatMap(([machine, n]) => {
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
