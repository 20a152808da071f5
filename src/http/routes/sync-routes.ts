import * as z from 'zod/mini';
import type { RestoreResult } from '../../backup/backup-api.ts';
import { backUpAndUpload, findStatus } from '../../api/services.ts';
import { filled, flag, text } from '../../api/fields.ts';
import { restoreData, snapshotList, statusData, uploadData } from '../../api/sync-answers.ts';
import { defineRoute, type Route, type RouteData } from '../route.ts';
import { confirmation, confirmationNeeded, confirmed, restoreWhenConfirmed } from './confirmation.ts';
import { restored, snapshot } from './shapes.ts';

const syncStatus = defineRoute({
  name: 'syncStatus',
  method: 'GET',
  path: '/sync/status',
  group: 'Sync',
  summary: 'State of the remote, of every machine, and the newest snapshots',
  access: 'read',
  input: z.strictObject({}),
  output: z.looseObject({
    enabled: z.boolean(),
    relation: z.string(),
    snapshots: z.array(z.looseObject({ name: z.string(), created: z.string(), memories: z.int() })),
  }),
  handle: async (services, _, work) => statusData(await findStatus(services, work)),
});

const syncUpload = defineRoute({
  name: 'syncUpload',
  method: 'POST',
  path: '/sync/upload',
  group: 'Sync',
  summary: 'Make a snapshot and upload it; with sync off it stays here',
  access: 'write',
  input: z.strictObject({ name: text('begins the name of the snapshot, default manual') }),
  output: z.looseObject({ snapshot: z.string(), backup: z.string(), uploaded: z.boolean() }),
  long: true,
  problems: [409, 502, 503],
  async handle(services, { name }, work) {
    const { made, push } = await backUpAndUpload(services, filled(name), work);
    return uploadData(made, push);
  },
});

const syncDownload = defineRoute({
  name: 'syncDownload',
  method: 'POST',
  path: '/sync/download',
  group: 'Sync',
  summary: 'Merge what other machines have uploaded',
  details: 'When that would remove many memories, the answer is 409 with the counts, and confirm is needed.',
  access: 'write',
  input: z.strictObject({ confirm: confirmation('true, or the token of the answer before') }),
  inQuery: ['confirm'],
  output: restored,
  long: true,
  problems: [409, 502, 503],
  async handle({ sync }, { confirm: given }, work) {
    const confirm = confirmed(given);
    const token = confirm === 'true' ? undefined : confirm;
    const result = await sync.pull({ ...work, ...(token === undefined ? {} : { confirm: token }) });
    if (result.confirm === undefined) return restoreData(result);
    if (confirm !== 'true') throw confirmationNeeded(result);
    return bothMerged(result, await sync.pull({ ...work, confirm: result.confirm }));
  },
});

/** One answer for a merge that was held back in part, and for the one that made up for it. */
function bothMerged(first: RestoreResult, second: RestoreResult): RouteData {
  // The first one counts the changes that it held back too; the older undo undoes both.
  const { snapshots, added, changed, removed } = restoreData(first);
  const undo = first.undo ?? second.undo;
  return {
    ...restoreData(second),
    ...{ snapshots, added, changed, removed },
    ...(undo === undefined ? {} : { undo: undo.name }),
  };
}

const syncSnapshots = defineRoute({
  name: 'syncSnapshots',
  method: 'GET',
  path: '/sync/snapshots',
  group: 'Sync',
  summary: 'The snapshots of all machines at the remote, newest first',
  access: 'read',
  input: z.strictObject({}),
  output: z.object({ snapshots: z.array(snapshot) }),
  problems: [409, 502, 503],
  long: true,
  handle: async ({ sync }, _, work) => ({ snapshots: snapshotList(await sync.snapshots(work)) }),
});

const syncRestore = defineRoute({
  name: 'syncRestore',
  method: 'POST',
  path: '/sync/restore/{backup_name}',
  slashes: true,
  group: 'Sync',
  summary: 'Make the memories equal to a snapshot at the remote, or merge it',
  details:
    'Without confirm the answer is 409 with what would change. confirm: true, or the token of that answer, to be sure that nothing has changed since. A snapshot is made before, so it can be undone.',
  access: 'write',
  input: z.strictObject({
    backup_name: z.string(),
    mode: z.optional(z.enum(['replace', 'merge'])),
    dry_run: flag,
    confirm: confirmation('true, or the token of a dry run'),
  }),
  inQuery: ['confirm', 'mode', 'dry_run'],
  output: restored,
  long: true,
  problems: [404, 409, 502, 503],
  async handle({ sync }, { backup_name: name, mode, dry_run: dryRun, confirm }, work) {
    return restoreWhenConfirmed(sync, { snapshot: name, mode, dryRun, confirm: confirmed(confirm) }, work);
  },
});

export const syncRoutes: readonly Route[] = [
  syncStatus,
  syncUpload,
  syncDownload,
  syncSnapshots,
  syncRestore,
];
