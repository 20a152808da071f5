import { RepositoryDamagedError } from '../../errors/backup-errors.ts';
import { FaissMemoryError } from '../../errors/faiss-memory-error.ts';
import { type VersionVector, compareVersionVectors, compareText } from '../../memory/version.ts';
import { forEachLimited } from '../../util/concurrency.ts';
import type { SnapshotSummary, WorkOptions } from '../backup-api.ts';
import { type HeadSnapshot, wentBack } from '../format/head.ts';
import { headKey, parseRepositoryKey, REPOSITORY_ROOT } from '../format/names.ts';
import type { RepositoryContext } from './repository-context.ts';
import type { LoadedHead } from './repository-objects.ts';
import { snapshotName } from './snapshot-name.ts';
import { isReplaced, noteTimelines } from './witnesses.ts';

const PARALLEL_READS = 4;

/** A complete snapshot of one machine. */
export interface RepositorySnapshot extends HeadSnapshot {
  readonly machine: string;
  /** The result of `snapshotName`. Not always unique. */
  readonly name: string;
  readonly sealed: boolean;
}

/** The state of one machine's folder. */
export interface MachineReport {
  readonly machine: string;
  /** Null when the head is missing, or when `error` says why it cannot be read. */
  readonly head: LoadedHead | null;
  /** Why this machine's snapshots are not listed. The snapshots of the other machines are. */
  readonly error: FaissMemoryError | null;
  /** True when the head is older than one that this data folder saw before, or gone. */
  readonly wentBack: boolean;
  /**
   * True when the head does not continue one that was seen before, here or on another machine: the data folder was
   * copied or rolled back, and may use the names of earlier writes again.
   */
  readonly replaced: boolean;
}

export interface SnapshotList {
  /** The snapshots of all machines, oldest first. No snapshot comes before one that it includes. */
  readonly snapshots: readonly RepositorySnapshot[];
  /**
   * One entry for each machine that has an object in the repository, and for this one. Sorted by machine id. Ids that
   * were given up and have no snapshots are left out.
   */
  readonly machines: readonly MachineReport[];
}

export interface ListScope extends WorkOptions {
  /** Machines to report also when they have no object any more, unless a head says that their id was given up. */
  readonly known?: readonly string[] | undefined;
  /** True reads the heads of this machine and of the known ones only, which costs no LIST. New machines do not show. */
  readonly onlyKnown?: boolean;
}

/**
 * Reads the heads of all machines. A damaged head does not hide the snapshots of other machines.
 * @throws BlobStoreError
 */
export async function listSnapshots(
  context: RepositoryContext,
  { known = [], onlyKnown = false, signal, onProgress }: ListScope = {},
): Promise<SnapshotList> {
  signal?.throwIfAborted();
  if (!onlyKnown) onProgress?.({ step: 'listing machines', done: 0 });
  const found = onlyKnown ? [context.machine] : await listMachines(context, signal);
  const wanted = new Set([...found, ...known]);
  const read: MachineReport[] = [];
  await forEachLimited(wanted, PARALLEL_READS, async (machine) => {
    signal?.throwIfAborted();
    read.push(await readMachine(context, machine));
    onProgress?.({ step: 'reading machines', done: read.length, total: wanted.size });
  });
  // Answers come in any order; the reports must not depend on it.
  read.sort((a, b) => compareText(a.machine, b.machine));
  const reports = withoutRetired(context, await withTimelines(context, read));
  const lists = reports.map(({ machine, head }) => {
    if (head === null) return [];
    return head.head.snapshots.map((snapshot) => ({
      ...snapshot,
      machine,
      name: snapshotName(snapshot),
      sealed: head.sealed,
    }));
  });
  return {
    snapshots: orderSnapshots(lists),
    machines: reports,
  };
}

/** Leaves out the ids that were given up and whose backups were removed, or are no longer listed. */
function withoutRetired(
  { machine: own }: RepositoryContext,
  reports: readonly MachineReport[],
): MachineReport[] {
  const retired = new Set(reports.flatMap(({ head }) => head?.head.retired ?? []));
  return reports.filter(({ machine, head, error }) => {
    const isEmpty = error === null && (head?.head.snapshots.length ?? 0) === 0;
    return machine === own || !isEmpty || !retired.has(machine);
  });
}

/** Notes the writes that the heads show and name, and marks those that do not continue it. */
async function withTimelines(
  context: RepositoryContext,
  reports: readonly MachineReport[],
): Promise<MachineReport[]> {
  if (context.exclusive) return [...reports];
  const heads = reports.flatMap(({ head }) => (head === null ? [] : [head.head]));
  const known = await noteTimelines(context, heads);
  return reports.map((report) => {
    const { machine, head } = report;
    const replaced = head !== null && machine !== context.machine && isReplaced(head.head, known);
    return { ...report, replaced };
  });
}

/** @returns the ids of all machines that have an object in the repository, and always the own id */
async function listMachines(
  { store, machine }: RepositoryContext,
  signal: AbortSignal | undefined,
): Promise<Set<string>> {
  const machines = new Set([machine]);
  for (const { key } of await store.list(REPOSITORY_ROOT, { signal })) {
    const object = parseRepositoryKey(key);
    if (object !== null) machines.add(object.machine);
  }
  return machines;
}

async function readMachine(context: RepositoryContext, machine: string): Promise<MachineReport> {
  const { objects, journal, repositoryId } = context;
  try {
    const seen = await journal.findSeen(repositoryId, machine);
    const head = await objects.readHead(machine, false, context.heads);
    const back = wentBack(head?.head ?? null, seen);
    // The own head is not recorded here: `writeOwnHead` records it, and the next head continues from that record.
    if (head !== null && !back && machine !== context.machine) {
      const { seq, commitId } = head.head;
      if (commitId !== seen?.commitId) await journal.recordSeen(repositoryId, machine, { seq, commitId });
    }
    return { machine, head, error: null, wentBack: back, replaced: false };
  } catch (error) {
    // A failure of the store concerns all machines; a damaged object concerns only its own machine.
    if (!(error instanceof FaissMemoryError) || error.code === 'BLOB_STORE') throw error;
    return { machine, head: null, error: withFix(error, context), wentBack: false, replaced: false };
  }
}

/** A list of snapshots that cannot be read is written again by its machine, or removed when that is gone. */
function withFix(error: FaissMemoryError, { machine: own }: RepositoryContext): FaissMemoryError {
  const machine =
    error instanceof RepositoryDamagedError ? parseRepositoryKey(error.key)?.machine : undefined;
  if (!(error instanceof RepositoryDamagedError) || machine === undefined || error.key !== headKey(machine))
    return error;
  const fix =
    machine === own
      ? 'Run "faiss-memory sync push" here, which writes it again.'
      : `Run "faiss-memory sync push" on machine ${machine}, which writes it again. If that machine is gone, run "faiss-memory sync forget ${machine}".`;
  return new RepositoryDamagedError(error.key, error.problem, { fix, cause: error });
}

/** About half a second. Ten machines with 20,000 snapshots each need as many, and the process answers nothing else meanwhile. */
const MAX_COMPARISONS = 20_000_000;

export interface OrderedSnapshot {
  readonly createdAt: number;
  readonly clock: VersionVector;
}

/**
 * Sorts the snapshots of all machines, oldest first. No snapshot comes before one that it includes; otherwise the
 * time decides. So a wrong clock can only misplace snapshots that do not include each other.
 * @param lists one list for each machine, in order of publication
 */
export function orderSnapshots<T extends OrderedSnapshot>(lists: readonly (readonly T[])[]): T[] {
  const queues = lists.filter((list) => list.length > 0).map((list) => ({ list, next: 0 }));
  const snapshots = queues.reduce((sum, { list }) => sum + list.length, 0);
  if (snapshots * queues.length ** 2 > MAX_COMPARISONS) return orderByWrites(lists);
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

/**
 * Sorts the snapshots of very many machines by the number of writes that they include, then by time. A snapshot includes
 * more writes than each one that it includes, and none comes before an earlier one of its machine.
 */
function orderByWrites<T extends OrderedSnapshot>(lists: readonly (readonly T[])[]): T[] {
  const ranked = lists.flatMap((list) => {
    let writes = 0;
    let time = 0;
    return list.map((snapshot) => {
      const included = Object.values(snapshot.clock).reduce((sum, n) => sum + n, 0);
      writes = Math.max(writes, included);
      time = Math.max(time, snapshot.createdAt);
      return { snapshot, writes, time };
    });
  });
  return ranked.sort((a, b) => a.writes - b.writes || a.time - b.time).map(({ snapshot }) => snapshot);
}

function includesAnother<T extends OrderedSnapshot>(
  snapshot: T,
  fronts: readonly { readonly snapshot: T }[],
): boolean {
  return fronts.some((other) => compareVersionVectors(other.snapshot.clock, snapshot.clock) === 'before');
}

/** @param identity identity of the local store, for `own` and `order` */
export function summarizeSnapshot(
  snapshot: RepositorySnapshot,
  identity: { readonly machine: string; readonly clock: VersionVector },
): SnapshotSummary {
  const { name, snapshotId, machine, kind, createdAt, facts, totalBytes, pinned, sealed, clock } = snapshot;
  return {
    name,
    id: snapshotId,
    machine,
    own: machine === identity.machine,
    kind,
    createdAt,
    live: facts.live,
    trash: facts.trash,
    bytes: totalBytes,
    pinned,
    encrypted: sealed,
    order: compareVersionVectors(clock, identity.clock),
  };
}
