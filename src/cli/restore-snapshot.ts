import { restoreData, waitingText } from '../api/sync-answers.ts';
import type { RestoreRequest, RestoreResult, WorkOptions } from '../backup/backup-api.ts';
import type { ChangeExample, ChangeReport } from '../store/replica-store.ts';
import {
  type CommandContext,
  type CommandOutcome,
  confirmed,
  embedBeforeExit,
  longWork,
  missingText,
  toggle,
  value,
} from './command.ts';
import { visibleLine } from '../util/visible-text.ts';
import { indent, oneLine } from './render.ts';

/** Options of every command that brings snapshots into the memories. */
export const restoreOptions = {
  dryRun: toggle('--dry-run', 'only show what would change'),
  yes: toggle('-y, --yes', 'do not ask'),
  confirm: value('--confirm <token>', 'go ahead if nothing changed since the dry run that gave this token'),
};

export interface RestoreChoices {
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly confirm: string | undefined;
}

export type Restore = (request: RestoreRequest, options: WorkOptions) => Promise<RestoreResult>;

/** Shows the planned changes, asks, and makes them; a merge asks only when it is held back. */
export async function restoreSnapshot(
  context: CommandContext,
  restore: Restore,
  job: { readonly request: Pick<RestoreRequest, 'snapshot' | 'mode'>; readonly choices: RestoreChoices },
): Promise<CommandOutcome> {
  const { request, choices } = job;
  const run = (more: Pick<RestoreRequest, 'dryRun' | 'confirm'>): Promise<RestoreResult> =>
    longWork(context, (work) => restore({ ...request, ...more }, work));
  if (choices.dryRun) return outcomeOf(context, await run({ dryRun: true }));
  if (choices.confirm !== undefined) return finish(context, await run({ confirm: choices.confirm }));
  const first = await run({ dryRun: request.mode === 'replace' });
  const { changes, confirm } = first;
  if (changes === null || confirm === undefined) return finish(context, first);
  if (request.mode === 'replace' && changesNothing(changes)) return outcomeOf(context, first);
  if (!choices.yes) context.output.note(preview(context, first, changes));
  const question =
    request.mode === 'replace'
      ? 'Replace the memories by this snapshot?'
      : `Merge, although ${waitingText(first.waiting ?? { removed: changes.removed.count, lately: 0 })}?`;
  if (!(await confirmed(context, question, choices.yes))) return finish(context, first);
  return finish(context, await run({ confirm }));
}

async function finish(context: CommandContext, result: RestoreResult): Promise<CommandOutcome> {
  if (result.changes?.applied === true) {
    const missing = await embedBeforeExit(context, 'watched');
    for (const line of missingText(missing)) context.output.note(line);
  }
  return outcomeOf(context, result);
}

function outcomeOf(context: CommandContext, result: RestoreResult): CommandOutcome {
  return { data: restoreData(result), text: describe(context, result) };
}

function describe(context: CommandContext, result: RestoreResult): string {
  const { mode, changes, undo, confirm, warnings = [] } = result;
  const notes = warnings.map((warning) => `Note: ${visibleLine(warning)}`);
  if (changes === null) return ['Nothing to merge: everything is included here.', ...notes].join('\n');
  if (!changes.applied) {
    const token = confirm === undefined || changesNothing(changes) ? [] : [`To do it: --confirm ${confirm}`];
    return [preview(context, result, changes), ...notes, 'Nothing was changed.', ...token].join('\n');
  }
  const done = mode === 'replace' ? 'Restored' : 'Merged';
  const back = undo === undefined ? [] : [`To undo it: faiss-memory restore ${visibleLine(undo.name)}`];
  return [`${done} ${namesOf(result)}: ${summary(changes)}`, ...notes, ...back].join('\n');
}

function preview(context: CommandContext, result: RestoreResult, changes: ChangeReport): string {
  const { removed, changed, added } = changes;
  const lines = [
    ...examples(context, 'removed', removed.examples),
    ...examples(context, 'changed', changed.examples),
    ...examples(context, 'added', added.examples),
  ];
  return [...lines, `${namesOf(result)}: ${summary(changes)}`].join('\n');
}

function examples({ output }: CommandContext, kind: string, list: readonly ChangeExample[]): string[] {
  return list.map(
    ({ id, text }) =>
      `${kind} ${visibleLine(id)}\n${indent(oneLine(text, Math.max(20, output.columns - 2)))}`,
  );
}

function namesOf({ snapshots }: RestoreResult): string {
  return snapshots.map(({ name }) => visibleLine(name)).join(', ');
}

function summary({ added, changed, removed, conflicts, keptErased, broughtBack }: ChangeReport): string {
  const parts = [
    `${added.count} added`,
    `${changed.count} changed`,
    `${removed.count} removed (to the trash)`,
  ];
  if (conflicts > 0) parts.push(`${conflicts} new conflicts`);
  if (keptErased > 0) parts.push(`${keptErased} stay erased`);
  if (broughtBack > 0) parts.push(`${broughtBack} that other machines erased come back`);
  return `${parts.join(', ')}.`;
}

function changesNothing({ added, changed, removed }: ChangeReport): boolean {
  return added.count + changed.count + removed.count === 0;
}
