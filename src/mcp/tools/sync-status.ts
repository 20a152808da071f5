import * as z from 'zod/mini';
import { defineTool } from '../define-tool.ts';
import { renderStatus } from '../render-sync.ts';
import { findStatus } from '../../wire/find-status.ts';
import { statusData } from '../../wire/sync-data.ts';

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
