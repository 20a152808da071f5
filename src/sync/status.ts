import { compareClocks, type ClockOrder } from '../memory/version.ts';
import type { ReplicaIdentity } from '../store/replica-store.ts';
import type { MachineStatus, SyncRelation, SyncStatus } from './sync-api.ts';
import type { SyncNote } from './sync-notes.ts';

export interface StatusInput {
  readonly identity: ReplicaIdentity;
  readonly note: SyncNote;
  /** Empty when the remote was not asked. */
  readonly machines: readonly MachineStatus[];
  readonly facts: Pick<SyncStatus, 'enabled' | 'mode' | 'encrypted' | 'location'>;
}

const RELATIONS: Readonly<Record<ClockOrder, SyncRelation>> = {
  equal: 'in-sync',
  after: 'ahead',
  before: 'behind',
  concurrent: 'diverged',
};

const APPEND_ONLY = 'The remote refuses to delete old backups: they are no longer listed, but stay there';

/** Everything that was observed, put together; nothing is guessed. */
export function describeSync({ identity, note, machines, facts }: StatusInput): SyncStatus {
  const { machine, clock, stateDigest, conflicts } = identity;
  const { remoteClock, reachable, lastPush, lastPull, heldMerge } = note;
  // The remote answers, but what it has cannot be seen, or not all of it.
  const isRefused = reachable?.value === true && note.problem !== null;
  const isUnread =
    isRefused || machines.some(({ own, problem }) => own && problem !== null) || noneReadable(machines);
  return {
    ...facts,
    machine,
    stateDigest,
    relation: remoteClock === null || isUnread ? 'unknown' : RELATIONS[compareClocks(clock, remoteClock)],
    reachable,
    lastPush,
    lastPull,
    unsentWrites:
      remoteClock === null ? null : Math.max(0, (clock[machine] ?? 0) - (remoteClock[machine] ?? 0)),
    machines,
    conflicts,
    emptyStart: note.emptyStart ?? 'not-needed',
    heldMerge,
    problem:
      note.pushProblem ?? note.problem ?? machines.find(({ problem }) => problem !== null)?.problem ?? null,
    warnings: [...warnings(machines, facts.encrypted), ...(note.appendOnly ? [APPEND_ONLY] : [])],
  };
}

/** One machine that cannot be read hides nothing of the others; it is named among the warnings. */
function noneReadable(machines: readonly MachineStatus[]): boolean {
  return machines.length > 0 && machines.every(({ problem }) => problem !== null);
}

function warnings(machines: readonly MachineStatus[], encrypted: boolean): string[] {
  return machines.flatMap(({ machine, own, rolledBack, newest, problem }) => {
    const whose = own ? 'This machine' : `Machine ${machine}`;
    const back = rolledBack
      ? [
          `${whose} shows fewer backups at the remote than before: an older copy was put back, or they were removed`,
        ]
      : [];
    const plain =
      encrypted && newest?.encrypted === false
        ? [`${whose} still has plain backups at the remote; they go with its next push and prune`]
        : [];
    const unread = problem === null ? [] : [`${whose} is not compared and not merged: ${problem.message}`];
    return [...back, ...plain, ...unread];
  });
}
