import type { SnapshotSummary } from '../backup/backup-api.ts';
import { type MachineReport, type RepositorySnapshot, type SnapshotList, summarizeSnapshot } from '../backup/repository/list-snapshots.ts';
import { publishedWrites, refusal, type Witnesses } from '../backup/claims.ts';
import { snapshotName } from '../backup/repository/snapshot-name.ts';
import { compareClocks, type Clock } from '../memory/version.ts';
import type { MachineStatus } from './sync-api.ts';
import { toSyncProblem } from './sync-problem.ts';

export interface Observer {
  readonly machine: string;
  readonly clock: Clock;
}

/** What each machine's folder at the remote shows, compared with the memories here. */
export function machineStatuses(list: SnapshotList, identity: Observer, at: number): MachineStatus[] {
  const witnesses = { ...identity, published: publishedWrites(list.machines) };
  return list.machines
    .filter(({ machine, head, error }) => head !== null || error !== null || machine !== identity.machine)
    .map((report) => machineStatus(report, witnesses, at));
}

function machineStatus(
  { machine, head, error, wentBack }: MachineReport,
  identity: Witnesses,
  at: number,
): MachineStatus {
  const snapshots = head?.head.snapshots ?? [];
  const newest = snapshots.at(-1);
  const sealed = head?.sealed ?? false;
  const listed: RepositorySnapshot | null =
    newest === undefined ? null : { ...newest, machine, sealed, name: snapshotName(newest) };
  const summary: SnapshotSummary | null = listed === null ? null : summarizeSnapshot(listed, identity);
  const clock = newest?.clock ?? {};
  const problem =
    error ?? (listed === null || machine === identity.machine ? null : refusal(listed, identity));
  return {
    machine,
    own: machine === identity.machine,
    snapshots: snapshots.length,
    newest: summary,
    order: newest === undefined ? null : compareClocks(clock, identity.clock),
    clock,
    rolledBack: wentBack,
    problem: problem === null ? null : toSyncProblem(problem, at),
  };
}
