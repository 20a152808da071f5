import type { BackupResult, RestoreResult, SnapshotSummary } from '../backup/backup-api.ts';
import type { ChangeList } from '../store/replica-store.ts';
import type { MachineStatus, PushResult, SyncProblem, SyncStatus } from '../sync/sync-api.ts';
import { usableNames } from '../util/text.ts';
import { given, isoTime } from './memory-data.ts';

type Data = Record<string, unknown>;

/** Snapshots that a status shows. */
const SHOWN_SNAPSHOTS = 10;

/** What `sync_status` found out. */
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
    ...(heldMerge === null ? {} : { held_removals: heldMerge.removed }),
    ...(status.emptyStart === 'pending' ? { empty_start: 'pending' } : {}),
    ...given('machines', status.machines.map(machineData)),
    from,
    snapshots: newestSnapshots(snapshots).map(snapshotData),
    ...(problem === null ? {} : { problem: problemData(problem) }),
    ...given('warnings', status.warnings),
  };
}

function machineData({ machine, own, snapshots, newest, order, ...state }: MachineStatus): Data {
  return {
    machine,
    ...(own ? { own } : {}),
    snapshots,
    ...(newest === null ? {} : { newest: newest.name, memories: newest.live }),
    ...(order === null ? {} : { included: order === 'before' || order === 'equal' }),
    ...(state.rolledBack ? { rolled_back: true } : {}),
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

/** Snapshots in full, in the given order, with the names that a restore understands. */
export function snapshotList(snapshots: readonly SnapshotSummary[]): Data[] {
  const names = usableNames(snapshots);
  return snapshots.map((snapshot) => ({
    ...snapshotData({ ...snapshot, usable: names.get(snapshot.id) ?? snapshot.id }),
    machine: snapshot.machine,
    ...(snapshot.own ? { own: true } : {}),
    kind: snapshot.kind,
    trash: snapshot.trash,
    encrypted: snapshot.encrypted,
  }));
}

/** @param push null when sync is off */
export function uploadData({ outcome, snapshot, bytesWritten }: BackupResult, push: PushResult | null): Data {
  return {
    snapshot: snapshot.name,
    backup: outcome,
    memories: snapshot.live,
    bytes: bytesWritten,
    uploaded: push !== null,
    ...(push === null ? {} : { upload: push.outcome, uploaded_bytes: push.bytes }),
    ...given('skipped', push?.skipped ?? []),
  };
}

export function restoreData({ mode, snapshots, changes, confirm, warnings, undo }: RestoreResult): Data {
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
    ...(confirm === undefined ? {} : { confirm }),
    ...(undo === undefined ? {} : { undo: undo.name }),
    ...given('warnings', warnings ?? []),
  };
}

function idsOf({ examples }: ChangeList): string[] {
  return examples.map(({ id }) => id);
}
