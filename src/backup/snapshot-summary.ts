import { compareClocks, type Clock } from '../memory/version.ts';
import type { SnapshotSummary } from './backup-api.ts';
import type { RepositorySnapshot } from './list-snapshots.ts';

/** @param identity of the local store, which the snapshot is compared with */
export function summarizeSnapshot(
  snapshot: RepositorySnapshot,
  identity: { readonly machine: string; readonly clock: Clock },
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
    order: compareClocks(clock, identity.clock),
  };
}
