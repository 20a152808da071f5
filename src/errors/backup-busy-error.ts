import { FaissMemoryError } from './faiss-memory-error.ts';

/** Another process backs up, syncs or restores this data folder at the moment. */
export class BackupBusyError extends FaissMemoryError {
  constructor(dataDir: string, waitedMs: number) {
    const seconds = Math.round(waitedMs / 1_000);
    const since = seconds === 0 ? '' : `, for more than ${seconds} s by now`;
    super('BACKUP_BUSY', `Another process is backing up or syncing ${dataDir}${since}`, {
      fix: 'Wait until it is done, and try again.',
      retryable: true,
    });
  }
}
