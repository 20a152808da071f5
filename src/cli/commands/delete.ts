import type { App } from '../../app/app.ts';
import { deletedData, memoryData } from '../../api/memory-answers.ts';
import { UsageError } from '../../errors/input-errors.ts';
import type { DeleteResult, FilterInput } from '../../memory/memory-api.ts';
import type { TimeZone } from '../../util/time-zone.ts';
import {
  type CommandContext,
  type CommandOutcome,
  confirmed,
  defineCommand,
  embedBeforeExit,
  missingData,
  missingText,
  toggle,
} from '../command.ts';
import { filterOptions, toFilterInput, withFixedTimes } from '../option-values.ts';
import { count, memoryBrief } from '../render.ts';

/** The service takes at most so many ids in one call. */
const BATCH = 100;
const PAGE = 1_000;
const NOTHING_DONE = 'Nothing was deleted.';
const NONE: DeleteResult = { dryRun: false, count: 0, examples: [] };

export const deleteCommand = defineCommand({
  name: 'delete',
  summary: 'move memories to the trash, or erase them',
  details:
    'By ids at once; by filter after showing what would go. The trash keeps the content for the configured ' +
    'number of days; restore-deleted brings it back. --purge erases the content for good.',
  arguments: [{ name: '[id...]', doc: 'ids of memories' }],
  options: {
    dryRun: toggle('--dry-run', 'only show what would be deleted'),
    yes: toggle('-y, --yes', 'do not ask'),
    purge: toggle('--purge', 'erase text, history and vectors for good'),
    ...filterOptions,
  },
  examples: [
    ['faiss-memory delete 0198c0de-0000-7000-8000-000000000001', 'move one memory to the trash'],
    ['faiss-memory delete --tag scratch --before 90d --dry-run', 'what would a filter delete?'],
    ['faiss-memory delete --tag scratch --before 90d --yes', 'delete it without a question'],
    ['faiss-memory delete 0198c0de-0000-7000-8000-000000000001 --purge', 'erase one memory for good'],
  ],
  writes: ({ options }) => !options.dryRun,
  run: async (context, { args, options }) => {
    const filter = toFilterInput(options);
    if (args.length > 0 === (filter !== undefined)) {
      const problem =
        filter === undefined ? 'neither ids nor a filter are given' : 'both ids and a filter are given';
      throw new UsageError(problem, 'Give ids, or options such as --tag and --before.');
    }
    const app = await context.app();
    const zone = app.memory.timeZone;
    const { dryRun, yes, purge } = options;
    const target =
      filter === undefined ? { ids: args } : { filter: withFixedTimes(filter, { now: Date.now(), zone }) };
    if (dryRun) return showDryRun(context, app, target);
    return purge ? purgeTarget(context, target, yes) : deleteTarget(context, target, yes);
  },
});

type Target = { readonly ids: readonly string[] } | { readonly filter: FilterInput };

async function showDryRun(context: CommandContext, app: App, target: Target): Promise<CommandOutcome> {
  const found = await app.memory.delete({ ...target, dryRun: true });
  return {
    data: deletedData(found),
    text: `${preview(context, app.memory.timeZone, found)}\nThis was a dry run; nothing was deleted.`,
  };
}

function preview(
  context: CommandContext,
  zone: TimeZone,
  { count: matches, examples }: Pick<DeleteResult, 'count' | 'examples'>,
): string {
  const lines = examples.map((memory) => memoryBrief(memory, zone, context.output.columns));
  if (matches > examples.length) lines.push(`… and ${matches - examples.length} more`);
  return [...lines, `${count(matches, 'memory matches', 'memories match')}; times in ${zone.name}.`].join(
    '\n',
  );
}

function deleteTarget(context: CommandContext, target: Target, yes: boolean): Promise<CommandOutcome> {
  return 'ids' in target ? deleteIds(context, target.ids) : deleteMatching(context, target, yes);
}

async function deleteIds(context: CommandContext, all: readonly string[]): Promise<CommandOutcome> {
  const { memory } = await context.app();
  let deleted = 0;
  for (const ids of batches(all)) deleted += (await memory.delete({ ids })).count;
  return { data: { deleted }, text: movedText(deleted) };
}

async function deleteMatching(
  context: CommandContext,
  target: { readonly filter: FilterInput },
  yes: boolean,
): Promise<CommandOutcome> {
  const { memory } = await context.app();
  const found = await memory.delete({ ...target, dryRun: true });
  if (found.count === 0) return { data: deletedData(NONE), text: NOTHING_DONE };
  if (!yes) context.output.note(preview(context, memory.timeZone, found));
  const question = `Move ${count(found.count, 'memory', 'memories')} to the trash?`;
  if (!(await confirmed(context, question, yes))) return { data: deletedData(NONE), text: NOTHING_DONE };
  const result = await memory.delete({ ...target, confirm: found.confirm });
  return { data: deletedData(result), text: movedText(result.count) };
}

function movedText(deleted: number): string {
  return `${count(deleted, 'memory', 'memories')} moved to the trash; restore-deleted brings them back.`;
}

async function purgeTarget(context: CommandContext, target: Target, yes: boolean): Promise<CommandOutcome> {
  const { memory } = await context.app();
  const ids = 'ids' in target ? target.ids : await matchingIds(context, target.filter);
  if (ids.length === 0) return { data: { erased: 0 }, text: NOTHING_DONE };
  const question = `Erase ${count(ids.length, 'memory', 'memories')} for good? This cannot be undone.`;
  if (!(await confirmed(context, question, yes))) return { data: { erased: 0 }, text: NOTHING_DONE };
  let erased = 0;
  for (const batch of batches(ids)) erased += await memory.purge(batch);
  return { data: { erased }, text: `${count(erased, 'memory', 'memories')} erased for good.` };
}

async function matchingIds(context: CommandContext, filter: FilterInput): Promise<string[]> {
  const { memory } = await context.app();
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await memory.list({ filter, cursor, limit: PAGE, order: 'oldest' });
    ids.push(...page.memories.map(({ id }) => id));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return ids;
}

function batches(ids: readonly string[]): (readonly string[])[] {
  return Array.from({ length: Math.ceil(ids.length / BATCH) }, (_, index) =>
    ids.slice(index * BATCH, (index + 1) * BATCH),
  );
}

export const restoreDeletedCommand = defineCommand({
  name: 'restore-deleted',
  summary: 'bring memories back from the trash',
  arguments: [{ name: '<id...>', doc: 'ids of deleted memories; "list --trash" shows them' }],
  options: {},
  examples: [['faiss-memory restore-deleted 0198c0de-0000-7000-8000-000000000001', 'undo a deletion']],
  run: async (context, { args }) => {
    const app = await context.app();
    const memories = await app.memory.restore(args);
    const missing = await embedBeforeExit(context);
    return {
      data: { memories: memories.map((one) => memoryData(one)), ...missingData(missing) },
      text: [`${count(memories.length, 'memory is', 'memories are')} back.`, ...missingText(missing)].join(
        '\n',
      ),
    };
  },
});
