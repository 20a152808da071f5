import * as z from 'zod/mini';
import { restoreData, statusData, uploadData } from '../../api/sync-answers.ts';
import { described, filled, flag, text, texts } from '../../api/fields.ts';
import { backUpAndUpload, findStatus, type Services } from '../../api/services.ts';
import type { RestoreRequest, RestoreResult, WorkOptions } from '../../backup/backup-api.ts';
import { renderRestore, renderStatus, renderUpload, restoreQuestion } from '../render.ts';
import { defineTool, type ToolAnswer, type ToolQuestion } from '../tool.ts';

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

export const syncUpload = defineTool({
  name: 'sync_upload',
  title: 'Back up and upload',
  description:
    'Make a backup now and upload it; with sync off it stays local. Both also happen by themselves.',
  intent: 'add',
  openWorld: true,
  input: z.strictObject({ name: text('begins its name, default manual') }),
  output: z.looseObject({ snapshot: z.string(), backup: z.string(), uploaded: z.boolean() }),
  async handle(services, { name }, { work }) {
    const { made, push } = await backUpAndUpload(services, filled(name), work);
    return { data: uploadData(made, push), text: renderUpload(made, push) };
  },
});

export const syncRestore = defineTool({
  name: 'sync_restore',
  title: 'Restore or merge snapshots',
  description:
    'replace: make memories equal to a snapshot; the user is asked first, or confirm with the token of the dry run, only if the user agreed. merge: take in what a snapshot, or without one every other machine, has new. Can be undone.',
  intent: 'change',
  openWorld: true,
  input: z.strictObject({
    snapshot: text('name from sync_status'),
    mode: z.enum(['replace', 'merge']),
    from: z.optional(z.enum(['remote', 'local'])),
    dry_run: flag,
    confirm: text(),
  }),
  output: z.looseObject({
    applied: z.boolean(),
    snapshots: texts,
    added: z.int(),
    changed: z.int(),
    removed: z.int(),
    confirm: z.optional(z.string()),
    undo: z.optional(z.string()),
  }),
  async handle(services, { snapshot, mode, from, dry_run: dryRun = false, confirm }, call) {
    const { answer, canAsk, work } = call;
    if (answer?.agreed === false) return DECLINED;
    const restore = await restorer(services, from, work);
    const request = { snapshot: filled(snapshot), mode };
    const token = answer?.state ?? filled(confirm);
    if (dryRun && answer === undefined) return answerOf(await restore({ ...request, dryRun }));
    if (token !== undefined) return answerOf(await restore({ ...request, confirm: token }));
    const result = await restore({ ...request, dryRun: mode === 'replace' });
    return (canAsk ? questionOf(result) : undefined) ?? answerOf(result);
  },
});

type Restore = (request: RestoreRequest) => Promise<RestoreResult>;

/** From the remote where there is one, unless the caller says otherwise. */
async function restorer(
  { backup, sync }: Services,
  from: 'remote' | 'local' | undefined,
  work: WorkOptions,
): Promise<Restore> {
  const remote = from === undefined ? (await sync.status({ offline: true })).enabled : from === 'remote';
  const place = remote ? sync : backup;
  return (request) => place.restore(request, work);
}

function answerOf(result: RestoreResult): ToolAnswer {
  return { data: restoreData(result), text: renderRestore(result) };
}

/** Undefined when nothing waits for the user's consent. */
function questionOf(result: RestoreResult): ToolQuestion | undefined {
  const { changes, confirm, mode } = result;
  if (changes === null || confirm === undefined) return undefined;
  const label = mode === 'replace' ? 'Replace my memories' : 'Remove these memories';
  return { question: restoreQuestion(result, changes), label, state: confirm };
}

const DECLINED: ToolAnswer = {
  data: { applied: false, snapshots: [], added: 0, changed: 0, removed: 0 },
  text: 'Nothing was changed: the user did not agree. Do not try again unless they ask for it.',
};
