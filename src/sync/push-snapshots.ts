import type { BackupResult, WorkOptions } from '../backup/backup-api.ts';
import type { BackupService } from '../backup/backup-service.ts';
import type { CopyResult } from '../backup/repository/copy-snapshots.ts';
import type { Repository } from '../backup/repository/repository.ts';
import type { RetentionPolicy } from '../backup/repository/retention.ts';
import type { VersionVector } from '../memory/version.ts';
import type { RemoteRepository } from './remote.ts';
import type { PushResult } from './sync-api.ts';

export interface PushSnapshots extends WorkOptions {
  readonly backup: BackupService;
  readonly remote: RemoteRepository;
  readonly retention: RetentionPolicy;
  /** Keys of objects at the remote that a check found damaged; they are uploaded again. */
  readonly suspect: ReadonlySet<string>;
  /** A backup that was made for this push; undefined = make one of the changes. */
  readonly made?: BackupResult | undefined;
}

export interface PushedSnapshots {
  readonly result: PushResult;
  /** Version vector of the newest snapshot, which the remote has now. */
  readonly clock: VersionVector;
  readonly repository: Repository;
}

/**
 * Makes a backup when memories changed, unless the caller did, and copies the snapshots that the remote lacks. Resolves
 * when the remote has confirmed the newest snapshot. The caller holds the work lock, and takes a new identity on MachineForkedError.
 * @throws the errors of both stores, among them RepositoryDamagedError when the newest local snapshot is damaged and
 * cannot be written again
 */
export async function pushSnapshots(request: PushSnapshots): Promise<PushedSnapshots> {
  const { backup, made } = request;
  const first = made ?? (await backup.write({ kind: 'auto' }, request));
  const attempt = await copy(request, first);
  if (failure(attempt.copied, first) === undefined) return describe(attempt, first);
  // The newest local snapshot is damaged, so all of it is written again from the memories.
  const again = await backup.write({ kind: 'auto', fromScratch: true }, request);
  const second = await copy(request, again);
  const error = failure(second.copied, again);
  if (error !== undefined) throw error;
  return describe(second, again);
}

interface Attempt {
  readonly local: Repository;
  readonly repository: Repository;
  readonly copied: CopyResult;
}

async function copy(
  { backup, remote, retention, suspect, signal, onProgress }: PushSnapshots,
  { snapshot }: BackupResult,
): Promise<Attempt> {
  signal?.throwIfAborted();
  onProgress?.({ step: 'uploading', done: 0 });
  const local = backup.repository(snapshot.machine);
  const repository = await remote.of(snapshot.machine);
  return {
    local,
    repository,
    copied: await local.copyTo(repository, { policy: retention, suspect, signal }),
  };
}

function failure({ skipped }: CopyResult, { snapshot }: BackupResult): Error | undefined {
  return skipped.find(({ snapshotId }) => snapshotId === snapshot.id)?.error;
}

async function describe(
  { local, repository, copied }: Attempt,
  { snapshot }: BackupResult,
): Promise<PushedSnapshots> {
  const { clock } = await local.findSnapshot(snapshot.id);
  const result: PushResult = {
    outcome: copied.outcome === 'copied' ? 'pushed' : 'unchanged',
    snapshot,
    snapshotsPushed: copied.copied.length,
    bytes: copied.bytesWritten,
    objects: copied.objectsWritten,
    skipped: copied.skipped.map(({ snapshotId }) => snapshotId),
  };
  return { result, clock, repository };
}
