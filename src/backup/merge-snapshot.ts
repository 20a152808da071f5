import { compareClocks, type Clock } from '../memory/version.ts';
import type { ChangeReport, RemovalLimit, ReplicaStore } from '../store/replica-store.ts';
import type { WorkOptions } from './backup-api.ts';
import type { RepositorySnapshot } from './list-snapshots.ts';
import type { Manifest } from './manifest.ts';
import type { LargeMemories } from './merge-limits.ts';
import type { Repository } from './repository.ts';
import { mergedNoteName, stageSnapshot } from './stage-snapshot.ts';

export interface MergeSnapshotRequest {
  readonly replica: ReplicaStore;
  readonly repository: Repository;
  readonly snapshot: RepositorySnapshot;
  readonly dryRun: boolean;
  /** See `Witnesses`. */
  readonly published?: Clock | undefined;
  readonly limit?: RemovalLimit | undefined;
  /** Characters of a text that may be added here. */
  readonly textLimit?: number | undefined;
  readonly options: WorkOptions;
}

export interface MergedSnapshot {
  /** In their order; two when the snapshot had to be read again as a whole. */
  readonly reports: readonly ChangeReport[];
  /** What the user should know although nothing was lost, as sentences. */
  readonly warnings: readonly string[];
}

/**
 * Merges what one snapshot has and was not merged before. When both sides include the same writes afterwards they
 * must be equal; if they are not, the whole snapshot is read. Nothing is read after something was applied, but for
 * that.
 * @throws as `stageSnapshot`, and the store's own errors
 */
export async function mergeSnapshot(request: MergeSnapshotRequest): Promise<MergedSnapshot> {
  const { replica, repository, snapshot } = request;
  const first = await apply(request, true);
  const large = first.large.warning(snapshot.machine);
  const warnings = large === null ? [] : [large];
  if (agrees(first)) return { reports: [first.report], warnings };
  // What was left out as merged before was not what it should be: read all of it.
  await replica.writeNote(mergedNoteName(repository, snapshot.machine), null);
  const again = await apply(request, false);
  if (!agrees(again)) {
    warnings.push(
      `After merging ${snapshot.machine}/${snapshot.name} both include the same writes, but not the same versions of all memories; nothing was lost.`,
    );
  }
  return { reports: [first.report, again.report], warnings };
}

interface Application {
  readonly manifest: Manifest;
  readonly large: LargeMemories;
  readonly report: ChangeReport;
}

async function apply(
  { replica, repository, snapshot, dryRun, limit, published, textLimit, options }: MergeSnapshotRequest,
  onlyNew: boolean,
): Promise<Application> {
  const staged = await stageSnapshot({
    replica,
    repository,
    snapshot,
    onlyNew,
    published,
    textLimit,
    ...options,
  });
  try {
    const { manifest, complete, note, large } = staged;
    const limits = limit === undefined ? {} : { limit };
    const report = await staged.states.merge({ clock: manifest.clock, complete, note, ...limits, dryRun });
    return { manifest, report, large };
  } finally {
    await staged.states.close();
  }
}

/** Two stores that include the same writes must be equal. */
function agrees({ manifest, report: { applied, after } }: Application): boolean {
  if (!applied || compareClocks(after.clock, manifest.clock) !== 'equal') return true;
  return manifest.stateDigest === after.stateDigest;
}
