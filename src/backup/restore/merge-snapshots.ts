import { type ErrorCode, FaissMemoryError } from '../../errors/faiss-memory-error.ts';
import { type VersionVector, compareVersionVectors } from '../../memory/version.ts';
import type { ChangeReport, RemovalLimit, ReplicaStore } from '../../store/replica-store.ts';
import type { WorkOptions } from '../backup-api.ts';
import type { Manifest } from '../format/manifest.ts';
import type { LargeMemories } from '../merge-limits.ts';
import type { RepositorySnapshot } from '../repository/list-snapshots.ts';
import type { Repository } from '../repository/repository.ts';
import { mergedNoteName, stageSnapshot } from './stage-snapshot.ts';

export interface MergedTips {
  readonly reports: readonly ChangeReport[];
  /** Snapshots that were not applied, with the report of those that the removal limit held back; null = unreadable. */
  readonly left: readonly LeftSnapshot[];
  /** The errors of the unreadable snapshots, in the order of the tips. */
  readonly errors: readonly FaissMemoryError[];
  readonly warnings: readonly string[];
}

export interface LeftSnapshot {
  readonly snapshot: RepositorySnapshot;
  readonly held: ChangeReport | null;
}

/** Errors of one machine's objects. They must not stop the merge of the other machines. */
const OF_ONE_MACHINE: readonly ErrorCode[] = [
  'REPOSITORY_DAMAGED',
  'REPOSITORY_TOO_NEW',
  'WRONG_PASSPHRASE',
  'MISSING_KEY',
  'ENCRYPTION_DOWNGRADE',
];

/**
 * Merges snapshots of several machines one after the other, each in its own transaction.
 * @param tips the newest snapshot of each machine, in the order of the merge
 * @throws ObjectMissingError before the first merge, so that the caller can start again; later it is one of `errors`
 */
export async function mergeTips(
  tips: readonly RepositorySnapshot[],
  how: Omit<MergeSnapshotRequest, 'snapshot'>,
): Promise<MergedTips> {
  const reports: ChangeReport[] = [];
  const left: LeftSnapshot[] = [];
  const errors: FaissMemoryError[] = [];
  const warnings: string[] = [];
  for (const snapshot of tips) {
    try {
      const merged = await mergeSnapshot({ ...how, snapshot });
      reports.push(...merged.reports);
      warnings.push(...merged.warnings);
      const held = merged.reports.find((report) => report.held);
      if (held !== undefined) left.push({ snapshot, held });
    } catch (error) {
      if (!(error instanceof FaissMemoryError)) throw error;
      const late = error.code === 'OBJECT_MISSING' && reports.some(({ applied }) => applied);
      if (!late && !OF_ONE_MACHINE.includes(error.code)) throw error;
      errors.push(error);
      left.push({ snapshot, held: null });
    }
  }
  return { reports, left, errors, warnings };
}

interface MergeSnapshotRequest {
  readonly replica: ReplicaStore;
  readonly repository: Repository;
  readonly snapshot: RepositorySnapshot;
  readonly dryRun: boolean;
  /** `Witnesses.published`. */
  readonly published?: VersionVector | undefined;
  readonly limit?: RemovalLimit | undefined;
  /** True when the user agreed to a merge over the limit. */
  readonly confirmed: boolean;
  /** See `ApplyRequest`. */
  readonly hidePurged: boolean;
  /** Characters of a text that this machine accepts. */
  readonly textLimit?: number | undefined;
  readonly options: WorkOptions;
}

export interface MergedSnapshot {
  /** The reports in order. Two when the whole snapshot had to be read again. */
  readonly reports: readonly ChangeReport[];
  /** Sentences for the user about a merge that worked. */
  readonly warnings: readonly string[];
}

/**
 * Merges the segments of one snapshot that were not merged before. When both sides then include the same writes, they
 * must be equal. If they differ, the whole snapshot is read and merged.
 * @throws the errors of `stageSnapshot` and of the store
 */
async function mergeSnapshot(request: MergeSnapshotRequest): Promise<MergedSnapshot> {
  const { replica, repository, snapshot } = request;
  const first = await apply(request, true);
  const large = first.large.warning(snapshot.machine);
  const warnings = large === null ? [] : [large];
  if (agrees(first)) return { reports: [first.report], warnings };
  // A segment that was skipped as merged before was not merged completely, so all segments are read.
  await replica.writeNote(mergedNoteName(repository, snapshot.machine), null);
  const again = await apply(request, false);
  if (!agrees(again)) {
    warnings.push(
      `After the merge of ${snapshot.machine}/${snapshot.name}, this store and the snapshot include the same writes but differ in the versions of some memories. Nothing was lost.`,
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
  { replica, repository, snapshot, dryRun, published, textLimit, options, ...how }: MergeSnapshotRequest,
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
    const { limit, confirmed, hidePurged } = how;
    const rules = { confirmed, hidePurged, ...(limit === undefined ? {} : { limit }) };
    options.signal?.throwIfAborted();
    options.onProgress?.({ step: 'merging memories', done: 0, total: staged.states.memories });
    const report = await staged.states.merge({ clock: manifest.clock, complete, note, ...rules, dryRun });
    return { manifest, report, large };
  } finally {
    await staged.states.close();
  }
}

/** True unless both sides include the same writes and still differ. */
function agrees({ manifest, report: { applied, after } }: Application): boolean {
  if (!applied || compareVersionVectors(after.clock, manifest.clock) !== 'equal') return true;
  return manifest.stateDigest === after.stateDigest;
}
