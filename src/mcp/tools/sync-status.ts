import * as z from 'zod/mini';
import { defineTool } from '../define-tool.ts';
import { described } from '../../api/fields.ts';
import { renderStatus } from '../render-sync.ts';
import { findStatus } from '../../api/services.ts';
import { statusData } from '../../api/answers.ts';

/** Enough for most, and short. */
const SHOWN_MACHINES = 20;
const SHOWN_WARNINGS = 10;

export const syncStatus = defineTool({
  name: 'sync_status',
  title: 'Backup and sync status',
  description:
    'State of backups and of the remote, the newest snapshots, other machines, problems with their fix.',
  intent: 'read',
  openWorld: true,
  input: z.strictObject({ offset: described(z.optional(z.int().check(z.minimum(0))), 'machines to skip') }),
  output: z.looseObject({
    enabled: z.boolean(),
    relation: z.string(),
    snapshots: z.array(z.looseObject({ name: z.string(), created: z.string(), memories: z.int() })),
  }),
  async handle(services, { offset = 0 }, { work }) {
    const facts = await findStatus(services, work);
    const { machines, warnings } = facts.status;
    const shown = machines.slice(offset, offset + SHOWN_MACHINES);
    const next = offset + shown.length;
    const notes = [
      ...warnings.slice(0, SHOWN_WARNINGS),
      ...(warnings.length > SHOWN_WARNINGS ? [`${warnings.length - SHOWN_WARNINGS} more warnings.`] : []),
      ...(next < machines.length
        ? [`${machines.length} machines, shown are ${offset + 1} to ${next}; the others with offset ${next}.`]
        : []),
    ];
    const part = { ...facts, status: { ...facts.status, machines: shown, warnings: notes } };
    return { data: statusData(part), text: renderStatus(part, Date.now()) };
  },
});
