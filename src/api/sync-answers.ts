import type {
  BackupResult,
  PruneReport,
  RestoreResult,
  SnapshotSummary,
  VerifyResult,
} from '../backup/backup-api.ts';
import type { ProbeReport } from '../blob/probe/probe-finding.ts';
import type { ChangeList } from '../store/replica-store.ts';
import type { MachineStatus, MonthlyTraffic, PushResult, SyncProblem, SyncStatus } from '../sync/sync-api.ts';
import { usableNames } from '../util/text.ts';
import { type Data, given, isoTime } from './memory-answers.ts';

/** Snapshots that a status shows. */
const SHOWN_SNAPSHOTS = 10;

/** The state of backups and of the remote. */
export interface StatusFacts {
  readonly status: SyncStatus;
  /** Where `snapshots` are. */
  readonly from: 'remote' | 'local';
  /** Oldest first. */
  readonly snapshots: readonly SnapshotSummary[];
}

/** A snapshot with the name that `sync_restore` understands. */
export interface ShownSnapshot extends SnapshotSummary {
  readonly usable: string;
}

/** The newest ones first. Names are shortened only as far as all of them allow. */
export function newestSnapshots(snapshots: readonly SnapshotSummary[]): ShownSnapshot[] {
  const names = usableNames(snapshots);
  return snapshots
    .slice(-SHOWN_SNAPSHOTS)
    .reverse()
    .map((snapshot) => ({ ...snapshot, usable: names.get(snapshot.id) ?? snapshot.id }));
}

export function statusData({ status, from, snapshots }: StatusFacts): Data {
  const { enabled, relation, unsentWrites, reachable, lastPush, lastPull, problem, heldMerge } = status;
  return {
    enabled,
    relation,
    ...(status.location === null ? {} : { location: status.location }),
    mode: status.mode,
    encrypted: status.encrypted,
    machine: status.machine,
    state: status.stateDigest,
    ...(reachable === null ? {} : { reachable: reachable.value, observed: isoTime(reachable.at) }),
    ...(lastPush === null ? {} : { pushed: lastPush.value.snapshot, pushed_at: isoTime(lastPush.at) }),
    ...(lastPull === null ? {} : { pulled_at: isoTime(lastPull.at) }),
    ...(unsentWrites === null ? {} : { unsent: unsentWrites }),
    ...(status.conflicts === 0 ? {} : { conflicts: status.conflicts }),
    ...(status.traffic === null ? {} : { traffic: trafficData(status.traffic) }),
    ...(heldMerge === null ? {} : { held_removals: heldMerge.removed }),
    ...(heldMerge === null || heldMerge.lately === 0 ? {} : { removed_lately: heldMerge.lately }),
    ...(status.emptyStart === 'pending' ? { empty_start: 'pending' } : {}),
    ...given('machines', status.machines.map(machineData)),
    from,
    snapshots: newestSnapshots(snapshots).map(snapshotData),
    ...(problem === null ? {} : { problem: problemData(problem) }),
    ...given('warnings', status.warnings),
  };
}

function trafficData({ month, writes, reads, bytesUp, bytesDown }: MonthlyTraffic): Data {
  return { month, writes, reads, bytes_up: bytesUp, bytes_down: bytesDown };
}

export function machineData({ machine, own, snapshots, newest, order, ...state }: MachineStatus): Data {
  return {
    machine,
    ...(own ? { own } : {}),
    snapshots,
    ...(newest === null ? {} : { newest: newest.name, memories: newest.live }),
    ...(order === null ? {} : { included: order === 'before' || order === 'equal' }),
    ...(state.rolledBack ? { rolled_back: true } : {}),
    ...(state.lastSeen === null ? {} : { gone: true, last_seen: isoTime(state.lastSeen) }),
    ...(state.problem === null ? {} : { problem: problemData(state.problem) }),
  };
}

function problemData({ code, message, fix, at }: SyncProblem): Data {
  return { code, message, ...(fix === undefined ? {} : { fix }), at: isoTime(at) };
}

function snapshotData({ usable, createdAt, live, bytes, pinned, order }: ShownSnapshot): Data {
  return {
    name: usable,
    created: isoTime(createdAt),
    memories: live,
    bytes,
    ...(pinned ? { pinned } : {}),
    ...(order === 'before' || order === 'equal' ? {} : { not_included: true }),
  };
}

/** A snapshot in full. @param usable its name, as far as a restore needs it */
export function fullSnapshotData(snapshot: SnapshotSummary, usable = snapshot.name): Data {
  return {
    ...snapshotData({ ...snapshot, usable }),
    machine: snapshot.machine,
    ...(snapshot.own ? { own: true } : {}),
    kind: snapshot.kind,
    trash: snapshot.trash,
    encrypted: snapshot.encrypted,
  };
}

/** The newest one first, with the names that a restore understands. @param snapshots oldest first */
export function snapshotList(snapshots: readonly SnapshotSummary[]): Data[] {
  const names = usableNames(snapshots);
  return snapshots.toReversed().map((snapshot) => fullSnapshotData(snapshot, names.get(snapshot.id)));
}

/** A backup that stays on this machine. */
export function backupData({ outcome, snapshot, bytesWritten }: BackupResult): Data {
  return { outcome, snapshot: fullSnapshotData(snapshot), bytes_written: bytesWritten };
}

/** @param push null when sync is off */
export function uploadData({ outcome, snapshot, bytesWritten }: BackupResult, push: PushResult | null): Data {
  return {
    snapshot: snapshot.name,
    backup: outcome,
    memories: snapshot.live,
    bytes: bytesWritten,
    ...uploadedData(push),
  };
}

function uploadedData(push: PushResult | null): Data {
  return {
    uploaded: push !== null,
    ...(push === null ? {} : { upload: push.outcome, uploaded_bytes: push.bytes }),
    ...given('skipped', push?.skipped ?? []),
  };
}

/** An upload, without the backup before it. */
export function pushData(push: PushResult): Data {
  const { snapshot, snapshotsPushed } = push;
  return {
    snapshot: snapshot.name,
    memories: snapshot.live,
    ...uploadedData(push),
    uploaded_snapshots: snapshotsPushed,
  };
}

export function verifyData({ level, checked, problems, healed }: VerifyResult): Data {
  return { level, checked, problems, healed };
}

export function pruneData(report: PruneReport): Data {
  return {
    dropped: snapshotList(report.dropped),
    deleted_objects: report.deletedObjects,
    deleted_bytes: report.deletedBytes,
    left_objects: report.leftObjects,
    append_only: report.appendOnly,
  };
}

export function probeData({ clockOffsetMs, conditionalPut, ...report }: ProbeReport): Data {
  return { ...report, clock_offset_ms: clockOffsetMs, conditional_put: conditionalPut };
}

export function restoreData(result: RestoreResult): Data {
  const { mode, snapshots, changes, confirm, warnings, undo, waiting } = result;
  const names = usableNames(snapshots);
  return {
    mode,
    applied: changes?.applied ?? false,
    snapshots: snapshots.map(({ id }) => names.get(id) ?? id),
    added: changes?.added.count ?? 0,
    changed: changes?.changed.count ?? 0,
    removed: changes?.removed.count ?? 0,
    ...(changes === null || changes.conflicts === 0 ? {} : { conflicts: changes.conflicts }),
    ...(changes === null ? {} : given('removed_ids', idsOf(changes.removed))),
    ...(waiting === undefined ? {} : { held_removals: waiting.removed, removed_lately: waiting.lately }),
    ...(confirm === undefined ? {} : { confirm }),
    ...(undo === undefined ? {} : { undo: undo.name }),
    ...given('warnings', warnings ?? []),
  };
}

/** Says that a merge waits because of the memories that it and those before it remove. */
export function waitingText({ removed, lately }: NonNullable<RestoreResult['waiting']>): string {
  const now = `it removes ${removed} ${removed === 1 ? 'memory' : 'memories'}`;
  return lately === 0 ? now : `${now}, after ${lately} that merges removed in the last 24 hours`;
}

function idsOf({ examples }: ChangeList): string[] {
  return examples.map(({ id }) => id);
}
