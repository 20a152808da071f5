import { resolve } from 'node:path';
import {
  conversationData,
  conversationsData,
  findConversation,
  turnData,
  turnsOf,
} from '../../api/conversations.ts';
import { given } from '../../api/memory-answers.ts';
import { exportMarkdown } from '../../import-export/conversation-markdown.ts';
import { exportJsonLines } from '../../import-export/export-json-lines.ts';
import { attributesOf } from '../../memory/attributes.ts';
import type { ConversationSummary } from '../../store/memory-store.ts';
import { createDurableFile } from '../../util/durable-file.ts';
import type { TimeZone } from '../../util/time-zone.ts';
import { visibleLine } from '../../util/visible-text.ts';
import { type CommandContext, confirmed, defineCommand, oneOf, toggle, value } from '../command.ts';
import { cannotWrite, filterOptions, parseInteger, toFilterInput } from '../option-values.ts';
import { count, indent, oneLine } from '../render.ts';

const sessionArgument = { name: '<session>', doc: 'name of the session; "conversations list" shows it' };
const client = value('--client <name>', 'the program, where several have a session of this name');
const cursorOption = value('--cursor <text>', 'go on where the previous page ended');

export const conversationsListCommand = defineCommand({
  name: 'conversations list',
  summary: 'list conversations, those with the newest turn first',
  details: 'With filters, those that have turns that match; counts and times are of these turns.',
  arguments: [],
  options: {
    limit: value('-n, --limit <count>', 'how many at most, 1 to 1000 (default: 20)'),
    cursor: cursorOption,
    ...filterOptions,
  },
  examples: [
    ['faiss-memory conversations list', 'the newest 20'],
    ['faiss-memory conversations list --client claude-code --after 7d', 'of one program, this week'],
  ],
  run: async (context, { options }) => {
    const { memory } = await context.app();
    const limit = parseInteger('--limit', options.limit);
    const page = await memory.conversations({
      filter: toFilterInput(options),
      limit,
      cursor: options.cursor,
    });
    const zone = memory.timeZone;
    const blocks = page.conversations.map((each) => brief(each, zone, context.output.columns));
    const more = page.nextCursor === undefined ? [] : [`More with --cursor ${page.nextCursor}`];
    const summary = `${page.conversations.length} of ${count(page.total, 'conversation')}; times in ${zone.name}.`;
    return { data: conversationsData(page), text: [...blocks, summary, ...more].join('\n') };
  },
});

function brief(conversation: ConversationSummary, zone: TimeZone, columns: number): string {
  const { session, turns, last, project, beginning } = conversation;
  const parts = [
    visibleLine(session),
    visibleLine(conversation.client),
    zone.minute(last),
    count(turns, 'turn'),
    project === '' ? '' : `project ${visibleLine(project)}`,
  ];
  const head = parts.filter((part) => part !== '').join('  ');
  return `${head}\n${indent(oneLine(beginning, Math.max(20, columns - 2)))}`;
}

export const conversationsShowCommand = defineCommand({
  name: 'conversations show',
  summary: 'show the turns of a conversation',
  arguments: [sessionArgument],
  options: {
    client,
    limit: value('-n, --limit <count>', 'how many turns at most, 1 to 1000 (default: 200)'),
    cursor: cursorOption,
  },
  examples: [['faiss-memory conversations show 7f3c2a', 'what was said in it']],
  run: async (context, { args: [session = ''], options }) => {
    const { memory } = await context.app();
    const zone = memory.timeZone;
    const found = await findConversation(memory, { session, client: options.client });
    const limit = parseInteger('--limit', options.limit) ?? 200;
    const filter = { session, client: found.client };
    const page = await memory.list({ filter, order: 'position', limit, cursor: options.cursor });
    const turns = page.memories.map(({ text, metadata, createdAt }) => {
      const role = attributesOf(metadata).conversation?.role ?? '';
      return `${role}  ${zone.minute(createdAt)}\n${indent(text)}`;
    });
    const more = page.nextCursor === undefined ? [] : [`More with --cursor ${page.nextCursor}`];
    return {
      data: {
        ...conversationData(found),
        messages: page.memories.map(turnData),
        ...given('next_cursor', page.nextCursor ?? ''),
      },
      text: [...turns, `Times in ${zone.name}.`, ...more].join('\n\n'),
    };
  },
});

export const conversationsDeleteCommand = defineCommand({
  name: 'conversations delete',
  summary: 'move a conversation to the trash',
  arguments: [sessionArgument],
  options: {
    client,
    dryRun: toggle('--dry-run', 'only show what would be deleted'),
    yes: toggle('-y, --yes', 'do not ask'),
  },
  examples: [
    ['faiss-memory conversations delete 7f3c2a --dry-run', 'how much would go?'],
    ['faiss-memory conversations delete 7f3c2a --yes', 'delete it without a question'],
  ],
  writes: ({ options }) => !options.dryRun,
  run: async (context, { args: [session = ''], options }) => {
    const { memory } = await context.app();
    const found = await findConversation(memory, { session, client: options.client });
    const filter = { session, client: found.client };
    const plan = await memory.delete({ filter, dryRun: true });
    const shown = brief(found, memory.timeZone, context.output.columns);
    const data = { conversation: conversationData(found), dry_run: true, count: plan.count };
    if (options.dryRun) return { data, text: `${shown}\nThis was a dry run; nothing was deleted.` };
    if (!options.yes) context.output.note(shown);
    const question = `Move ${count(plan.count, 'turn')} to the trash?`;
    if (!(await confirmed(context, question, options.yes)))
      return { data: { ...data, dry_run: false, count: 0 }, text: 'Nothing was deleted.' };
    const deleted = await memory.delete({ filter, confirm: plan.confirm });
    return {
      data: { ...data, dry_run: false, count: deleted.count },
      text: `${count(deleted.count, 'turn')} moved to the trash; restore-deleted brings them back.`,
    };
  },
});

export const conversationsExportCommand = defineCommand({
  name: 'conversations export',
  summary: 'write a conversation as Markdown or JSON lines',
  details: 'A file appears complete or not at all. "import" takes JSON lines back.',
  arguments: [sessionArgument, { name: '[file]', doc: 'where to; - or nothing writes to stdout' }],
  options: {
    client,
    format: oneOf(
      '--format <format>',
      ['markdown', 'jsonl'],
      'for people or for programs (default: markdown)',
    ),
  },
  examples: [
    ['faiss-memory conversations export 7f3c2a talk.md', 'to read or to print'],
    ['faiss-memory conversations export 7f3c2a --format jsonl | jq -r .text', 'only what was said'],
  ],
  ownsStdout: ({ args }) => targetFile(args) === undefined,
  run: async (context, { args, options }) => {
    const [session = ''] = args;
    const { memory } = await context.app();
    const found = await findConversation(memory, { session, client: options.client });
    const name = targetFile(args);
    const format = options.format ?? 'markdown';
    if (name === undefined) {
      await write(context, found, { format, to: (chunk) => context.output.raw(chunk) });
      return undefined;
    }
    const path = resolve(context.host.workingDirectory, name);
    const refuse = (error: unknown): never => {
      throw cannotWrite(path, error);
    };
    const file = await createDurableFile(path).catch(refuse);
    try {
      const turns = await write(context, found, { format, to: (chunk) => file.write(chunk) });
      await file.commit().catch(refuse);
      return {
        data: { file: path, count: turns },
        text: `${count(turns, 'turn')} written to ${visibleLine(path)}`,
      };
    } finally {
      await file.discard();
    }
  },
});

/** Undefined = stdout. */
function targetFile([, name]: readonly string[]): string | undefined {
  return name === '-' ? undefined : name;
}

async function write(
  context: CommandContext,
  found: ConversationSummary,
  { format, to }: { readonly format: 'markdown' | 'jsonl'; readonly to: (chunk: string) => Promise<void> },
): Promise<number> {
  const { memory } = await context.app();
  const progress = context.output.progress('Exporting');
  const guarded = (chunk: string): Promise<void> => {
    context.signal.throwIfAborted();
    return to(chunk);
  };
  try {
    if (format === 'markdown') return await exportMarkdown(found, turnsOf(memory, found), guarded);
    return await exportJsonLines(turnsOf(memory, found), {
      write: guarded,
      exportedAt: Date.now(),
      onProgress: (done) => {
        progress.update({ done });
      },
    });
  } finally {
    progress.finish();
  }
}
