import { FaissMemoryError, type ErrorCode } from '../errors/faiss-memory-error.ts';
import type { ChangeReport } from '../store/replica-store.ts';
import type { RepositorySnapshot } from './list-snapshots.ts';
import { mergeSnapshot, type MergeSnapshotRequest } from './merge-snapshot.ts';

export interface MergedTips {
  readonly reports: readonly ChangeReport[];
  /** Not applied: held back by the limit, or not readable. */
  readonly left: readonly RepositorySnapshot[];
  /** Of those that could not be read, in the order of the tips. */
  readonly errors: readonly FaissMemoryError[];
  readonly warnings: readonly string[];
}

/** Errors of one machine's objects, which must not keep out the other machines. */
const OF_ONE_MACHINE: readonly ErrorCode[] = [
  'REPOSITORY_DAMAGED',
  'REPOSITORY_TOO_NEW',
  'WRONG_PASSPHRASE',
  'MISSING_KEY',
  'ENCRYPTION_DOWNGRADE',
];

/**
 * Merges snapshots of several machines one after the other, each in its own transaction.
 * @throws ObjectMissingError while nothing was merged, for the caller to plan again; later it is one of `errors`
 */
export async function mergeTips(
  tips: readonly RepositorySnapshot[],
  how: Omit<MergeSnapshotRequest, 'snapshot'>,
): Promise<MergedTips> {
  const reports: ChangeReport[] = [];
  const left: RepositorySnapshot[] = [];
  const errors: FaissMemoryError[] = [];
  const warnings: string[] = [];
  for (const snapshot of tips) {
    try {
      const merged = await mergeSnapshot({ ...how, snapshot });
      reports.push(...merged.reports);
      warnings.push(...merged.warnings);
      if (merged.reports.some(({ held }) => held)) left.push(snapshot);
    } catch (error) {
      if (!(error instanceof FaissMemoryError)) throw error;
      const late = error.code === 'OBJECT_MISSING' && reports.some(({ applied }) => applied);
      if (!late && !OF_ONE_MACHINE.includes(error.code)) throw error;
      errors.push(error);
      left.push(snapshot);
    }
  }
  return { reports, left, errors, warnings };
}
