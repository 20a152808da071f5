import { FaissMemoryError } from './faiss-memory-error.ts';

/** Another process backs up, syncs or restores this data folder at the moment. */
export class BackupBusyError extends FaissMemoryError {
  constructor(dataDir: string, waitedMs: number) {
    const seconds = Math.round(waitedMs / 1_000);
    super(
      'BACKUP_BUSY',
      `Another process has been backing up or syncing ${dataDir} for more than ${seconds} s`,
      {
        fix: 'Wait until it is done, and try again.',
        retryable: true,
      },
    );
  }
}
