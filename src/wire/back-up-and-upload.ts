import type { BackupResult, WorkOptions } from '../backup/backup-api.ts';
import { FaissMemoryError } from '../errors/faiss-memory-error.ts';
import { NotUploadedError, SyncOffError } from '../errors/remote-errors.ts';
import type { PushResult } from '../sync/sync-api.ts';
import type { Services } from './services.ts';

export interface Upload {
  readonly made: BackupResult;
  /** Null when sync is off. */
  readonly push: PushResult | null;
}

/**
 * @param kind begins the name of the backup; undefined = manual
 * @throws NotUploadedError when the backup was made, and is only here
 */
export async function backUpAndUpload(
  { backup, sync }: Services,
  kind: string | undefined,
  work: WorkOptions,
): Promise<Upload> {
  const made = await backup.backup({ kind }, work);
  try {
    return { made, push: await sync.push(work) };
  } catch (error) {
    if (error instanceof SyncOffError) return { made, push: null };
    throw error instanceof FaissMemoryError ? new NotUploadedError(made.snapshot.name, error) : error;
  }
}
