import type { WorkOptions } from '../backup/backup-api.ts';
import { FaissMemoryError } from '../errors/faiss-memory-error.ts';
import type { Services } from './services.ts';
import type { StatusFacts } from './sync-data.ts';

/** The state of backups and of the remote, with the snapshots of the remote, or the local ones without it. */
export async function findStatus({ backup, sync }: Services, work: WorkOptions): Promise<StatusFacts> {
  const status = await sync.status(work);
  if (status.enabled && status.reachable?.value === true) {
    try {
      return { status, from: 'remote', snapshots: await sync.snapshots() };
    } catch (error) {
      // It went away meanwhile; what is here can still be told. Anything else is a fault of ours.
      if (!(error instanceof FaissMemoryError)) throw error;
      const warnings = [...status.warnings, `The remote's snapshots cannot be listed: ${error.message}`];
      return { status: { ...status, warnings }, from: 'local', snapshots: await backup.list() };
    }
  }
  return { status, from: 'local', snapshots: await backup.list() };
}
