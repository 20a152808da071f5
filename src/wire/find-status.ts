import type { SnapshotSummary, WorkOptions } from '../backup/backup-api.ts';
import { FaissMemoryError } from '../errors/faiss-memory-error.ts';
import type { Services } from './services.ts';
import type { StatusFacts } from './sync-data.ts';

/**
 * The state of backups and of the remote, with the snapshots of the remote, or the local ones without it. What cannot
 * be listed is a warning: the rest of the state is wanted all the more.
 */
export async function findStatus({ backup, sync }: Services, work: WorkOptions): Promise<StatusFacts> {
  const status = await sync.status(work);
  const warnings = [...status.warnings];
  const list = async (whose: string, listing: Promise<Snapshots>): Promise<Snapshots | undefined> => {
    try {
      return await listing;
    } catch (error) {
      if (!(error instanceof FaissMemoryError)) throw error;
      warnings.push(`${whose} snapshots cannot be listed: ${error.message}`);
      return undefined;
    }
  };
  const isReachable = status.enabled && status.reachable?.value === true;
  const remote = isReachable ? await list("The remote's", sync.snapshots()) : undefined;
  const from = remote === undefined ? 'local' : 'remote';
  const snapshots = remote ?? (await list("This machine's", backup.list())) ?? [];
  return { status: { ...status, warnings }, from, snapshots };
}

type Snapshots = readonly SnapshotSummary[];
