import { FaissMemoryError } from './faiss-memory-error.ts';

/** A remote was asked for, and none is configured. */
export class SyncOffError extends FaissMemoryError {
  constructor() {
    super('SYNC_OFF', 'Sync is off: no remote is configured', {
      fix: 'Set CLOUD_SYNC_ENABLED=true and CLOUD_SYNC_BUCKET (see docs/sync.md), then run "faiss-memory sync doctor".',
    });
  }
}
