import type { SnapshotSummary } from '../backup/backup-api.ts';
import { publishedWrites, refusal, replacedRefusal, type Witnesses } from '../backup/claims.ts';
import {
  type MachineReport,
  type RepositorySnapshot,
  type SnapshotList,
  summarizeSnapshot,
} from '../backup/repository/list-snapshots.ts';
import { snapshotName } from '../backup/repository/snapshot-name.ts';
import { InvalidInputError } from '../errors/input-errors.ts';
import { type VersionVector, type VersionVectorOrder, compareVersionVectors } from '../memory/version.ts';
import type { ReplicaIdentity } from '../store/replica-store.ts';
import { type SeenMachine, type SyncNote, toSyncProblem } from './notes.ts';
import type { MachineStatus, SyncRelation, SyncStatus } from './sync-api.ts';

export interface StatusInput {
  readonly identity: ReplicaIdentity;
  readonly note: SyncNote;
  readonly traffic: SyncStatus['traffic'];
  /** Empty when the remote was not read. */
  readonly machines: readonly MachineStatus[];
  readonly facts: Pick<SyncStatus, 'enabled' | 'mode' | 'encrypted' | 'location'>;
}

const RELATIONS: Readonly<Record<VersionVectorOrder, SyncRelation>> = {
  equal: 'in-sync',
  after: 'ahead',
  before: 'behind',
  concurrent: 'diverged',
};

const APPEND_ONLY = 'The remote refuses to delete old backups: they are no longer listed, but stay there';

/** Builds the status from observed facts alone. */
export function describeSync({ identity, note, machines, facts, traffic }: StatusInput): SyncStatus {
  const { machine, clock, stateDigest, conflicts } = identity;
  const { remoteClock, reachable, lastPush, lastPull, heldMerge } = note;
  // The remote answers, but its content cannot be read, or not all of it.
  const isRefused = reachable?.value === true && note.problem !== null;
  const isUnread = isRefused || noneReadable(machines);
  return {
    ...facts,
    machine,
    stateDigest,
    relation: isUnread ? 'unknown' : relationOf(clock, remoteClock, machines),
    reachable,
    lastPush,
    lastPull,
    unsentWrites:
      remoteClock === null ? null : Math.max(0, (clock[machine] ?? 0) - (remoteClock[machine] ?? 0)),
    machines,
    conflicts,
    traffic,
    emptyStart: note.emptyStart ?? 'not-needed',
    heldMerge,
    problem:
      note.pushProblem ?? note.problem ?? machines.find(({ problem }) => problem !== null)?.problem ?? null,
    warnings: [
      ...gone(note, machine),
      ...warnings(machines, facts.encrypted),
      ...tooManyWrites(machines, clock),
      ...(note.appendOnly ? [APPEND_ONLY] : []),
    ],
  };
}

function relationOf(
  clock: VersionVector,
  remoteClock: VersionVector | null,
  machines: readonly MachineStatus[],
): SyncRelation {
  if (remoteClock === null) return 'unknown';
  return machines.some(({ differs }) => differs === true)
    ? 'diverged'
    : RELATIONS[compareVersionVectors(clock, remoteClock)];
}

/** Machines whose backups were at the remote and are not there any more, as the last look found. */
function gone({ machines }: SyncNote, own: string): string[] {
  return Object.entries(machines).flatMap(([machine, seen]) => {
    if (!seen.gone) return [];
    const since = `were there last at ${new Date(seen.seenAt).toISOString().slice(0, 16)}Z`;
    return machine === own
      ? [
          `The backups of this machine (${machine}) are gone from the remote; they ${since}. The next push uploads them again, and a running server does it by itself`,
        ]
      : [
          `The backups of machine ${machine} are gone from the remote; they ${since}. If that was on purpose, run "faiss-memory sync forget ${machine}"; otherwise push from that machine`,
        ];
  });
}

/** True when no machine's backups can be read. A single unreadable machine is only a warning. */
function noneReadable(machines: readonly MachineStatus[]): boolean {
  const present = machines.filter(({ lastSeen }) => lastSeen === null);
  return present.length > 0 && present.every(({ problem }) => problem !== null);
}

function warnings(machines: readonly MachineStatus[], encrypted: boolean): string[] {
  return machines.flatMap(({ machine, own, rolledBack, differs, newest, problem, lastSeen }) => {
    const whose = own ? 'This machine' : `Machine ${machine}`;
    const back =
      rolledBack && lastSeen === null
        ? [
            `${whose} shows fewer backups at the remote than before: an older copy was put back, or they were removed`,
          ]
        : [];
    const plain =
      encrypted && newest?.encrypted === false
        ? [`${whose} still has plain backups at the remote; its next push and prune remove them`]
        : [];
    const different =
      differs === true
        ? [
            `${whose} includes the same writes as this one, but other memories: a data folder was copied or set back to an older state. Run "faiss-memory sync pull" and "faiss-memory sync push" on both machines`,
          ]
        : [];
    const unread = problem === null ? [] : [`${whose} is not compared and not merged: ${problem.message}`];
    return [...back, ...different, ...plain, ...unread];
  });
}

/** A false claim was merged while the backups of that machine were gone, or its newest backups cannot be seen. */
function tooManyWrites(machines: readonly MachineStatus[], clock: VersionVector): string[] {
  return machines.flatMap(({ machine, own, newest, rolledBack, problem, clock: published }) => {
    const included = clock[machine] ?? 0;
    const shown = published[machine] ?? 0;
    if (own || newest === null || rolledBack || problem !== null || included <= shown) return [];
    return [
      `This machine has noted ${included} writes of machine ${machine}, whose backups hold ${shown}. Run "faiss-memory sync push" on that machine; if this warning stays, run "faiss-memory doctor --fix" here`,
    ];
  });
}

export interface Observer {
  readonly machine: string;
  readonly clock: VersionVector;
}

/** Status of each machine at the remote, compared with the local memories. */
export function machineStatuses(
  list: SnapshotList,
  identity: Observer,
  { at, seen }: { readonly at: number; readonly seen: Readonly<Record<string, SeenMachine>> },
): MachineStatus[] {
  const witnesses = { ...identity, published: publishedWrites(list.machines) };
  return list.machines
    .filter(
      ({ machine, head, error, wentBack }) =>
        head !== null || error !== null || wentBack || machine !== identity.machine,
    )
    .map((report) => {
      const isGone = report.head === null && report.error === null;
      const lastSeen = isGone ? (seen[report.machine]?.seenAt ?? null) : null;
      return { ...machineStatus(report, witnesses, at), lastSeen };
    });
}

function machineStatus(
  report: MachineReport,
  identity: Witnesses,
  at: number,
): Omit<MachineStatus, 'lastSeen'> {
  const { machine, head, error, wentBack } = report;
  const snapshots = head?.head.snapshots ?? [];
  const newest = snapshots.at(-1);
  const sealed = head?.sealed ?? false;
  const listed: RepositorySnapshot | null =
    newest === undefined ? null : { ...newest, machine, sealed, name: snapshotName(newest) };
  const summary: SnapshotSummary | null = listed === null ? null : summarizeSnapshot(listed, identity);
  const clock = newest?.clock ?? {};
  const problem =
    error ??
    (listed === null || machine === identity.machine
      ? null
      : (replacedRefusal(report) ?? refusal(listed, identity)));
  return {
    machine,
    own: machine === identity.machine,
    snapshots: snapshots.length,
    newest: summary,
    order: newest === undefined ? null : compareVersionVectors(clock, identity.clock),
    clock,
    rolledBack: wentBack,
    problem: problem === null ? null : toSyncProblem(problem, at),
  };
}

const MIN_PREFIX = 4;

/**
 * Finds a machine by its id or the beginning of it, which has at least `MIN_PREFIX` digits.
 * @throws InvalidInputError when no machine or several machines fit
 */
export function findMachine(query: string, machines: readonly string[]): string {
  const wanted = query.trim().toLowerCase();
  const found = machines.filter(
    (machine) => machine === wanted || (wanted.length >= MIN_PREFIX && machine.startsWith(wanted)),
  );
  const [only, ...others] = found;
  if (only !== undefined && others.length === 0) return only;
  const problem = only === undefined ? 'is no machine at the remote' : 'fits several machines';
  throw new InvalidInputError(
    'machine',
    `${JSON.stringify(query.slice(0, 40).toWellFormed())} ${problem}`,
    `allowed are ${machines.join(', ')}, shortened to at least ${MIN_PREFIX} digits`,
  );
}
