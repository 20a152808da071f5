import type { BackupApi } from '../backup/backup-api.ts';
import type { Logger } from '../logger.ts';
import type { MemoryApi } from '../memory/memory-api.ts';
import type { SyncApi } from '../sync/sync-api.ts';

/** What tools, resources and prompts work with. */
export interface Services {
  readonly memory: MemoryApi;
  readonly backup: BackupApi;
  readonly sync: SyncApi;
}

/**
 * Opens the services at their first use. The handshake and the lists never call it, so a client that only asks
 * what there is costs no store, model, index or network.
 */
export type OpenServices = () => Promise<Services>;

export interface ServerParts {
  readonly open: OpenServices;
  /** Hears of failures that are no fault of the caller. */
  readonly logger: Logger;
}
