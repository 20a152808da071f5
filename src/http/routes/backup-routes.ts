import * as z from 'zod/mini';
import { InvalidInputError } from '../../errors/input-errors.ts';
import { filled, flag, text } from '../../api/fields.ts';
import { backupData, snapshotList } from '../../api/sync-answers.ts';
import { defineRoute, type Route } from '../route.ts';
import { confirmation, confirmed, restoreWhenConfirmed } from './confirmation.ts';
import { restored, snapshot } from './shapes.ts';

const listBackups = defineRoute({
  name: 'listBackups',
  method: 'GET',
  path: '/backups',
  group: 'Backups',
  summary: 'The snapshots on this machine, newest first',
  access: 'read',
  input: z.strictObject({}),
  output: z.object({ backups: z.array(snapshot) }),
  problems: [409, 502],
  handle: async ({ backup }) => ({ backups: snapshotList(await backup.list()) }),
});

const makeBackup = defineRoute({
  name: 'makeBackup',
  method: 'POST',
  path: '/backup',
  group: 'Backups',
  summary: 'Make a snapshot now, on this machine',
  access: 'write',
  input: z.strictObject({
    name: text('begins the name of the snapshot, default manual'),
    pinned: flag,
  }),
  output: z.object({ outcome: z.enum(['written', 'unchanged']), snapshot, bytes_written: z.int() }),
  long: true,
  status: 201,
  problems: [409, 502, 503],
  async handle({ backup }, { name, pinned }, work) {
    return backupData(await backup.backup({ kind: filled(name), pinned }, work));
  },
});

const restoreBackup = defineRoute({
  name: 'restoreBackup',
  method: 'POST',
  path: '/restore',
  group: 'Backups',
  summary: 'Make the memories equal to a snapshot of this machine, or merge it',
  details:
    'Without confirm the answer is 409 with what would change. confirm: true, or the token of that answer, to be sure that nothing has changed since. A snapshot is made before, so it can be undone.',
  access: 'write',
  input: z.strictObject({
    snapshot: text('name from GET /backups'),
    backup_name: text('the same, as it was called before'),
    mode: z.optional(z.enum(['replace', 'merge'])),
    dry_run: flag,
    confirm: confirmation('true, or the token of a dry run'),
  }),
  inQuery: ['confirm', 'dry_run'],
  output: restored,
  long: true,
  problems: [404, 409, 502, 503],
  async handle({ backup }, { snapshot: name, backup_name: oldName, mode, dry_run: dryRun, confirm }, work) {
    const wanted = filled(name) ?? filled(oldName);
    if (wanted === undefined)
      throw new InvalidInputError('snapshot', 'is missing', 'GET /backups lists the names');
    return restoreWhenConfirmed(
      backup,
      { snapshot: wanted, mode, dryRun, confirm: confirmed(confirm) },
      work,
    );
  },
});

export const backupRoutes: readonly Route[] = [listBackups, makeBackup, restoreBackup];
