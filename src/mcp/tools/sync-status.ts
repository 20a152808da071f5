import * as z from 'zod/mini';
import type { WorkOptions } from '../../backup/backup-api.ts';
import { FaissMemoryError } from '../../errors/faiss-memory-error.ts';
import { defineTool } from '../define-tool.ts';
import type { Services } from '../../wire/services.ts';
import { renderStatus } from '../render-sync.ts';
import { type StatusFacts, statusData } from '../../wire/sync-data.ts';

export const syncStatus = defineTool({
  name: 'sync_status',
  title: 'Backup and sync status',
  description:
    'State of backups and of the remote, the newest snapshots, other machines, problems with their fix.',
  intent: 'read',
  openWorld: true,
  input: z.strictObject({}),
  output: z.looseObject({
    enabled: z.boolean(),
    relation: z.string(),
    snapshots: z.array(z.looseObject({ name: z.string(), created: z.string(), memories: z.int() })),
  }),
  async handle(services, _, { work }) {
    const facts = await findStatus(services, work);
    return { data: statusData(facts), text: renderStatus(facts, Date.now()) };
  },
});

async function findStatus({ backup, sync }: Services, work: WorkOptions): Promise<StatusFacts> {
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
