import { UsageError } from '../../errors/input-errors.ts';
import { defineCommand, oneOf, toggle, value } from '../command.ts';
import { filterOptions, parseInteger, toFilterInput } from '../option-values.ts';
import { count, memoryBrief, memoryData } from '../render.ts';

export const listCommand = defineCommand({
  name: 'list',
  summary: 'list memories',
  arguments: [],
  options: {
    limit: value('-n, --limit <count>', 'how many at most, 1 to 1000 (default: 20)'),
    order: oneOf('--order <order>', ['newest', 'oldest', 'updated'], 'what comes first (default: newest)'),
    cursor: value('--cursor <text>', 'go on where the previous page ended'),
    trash: toggle('--trash', 'deleted memories instead'),
    conflicts: toggle('--conflicts', 'only memories with conflict copies'),
    ...filterOptions,
  },
  examples: [
    ['faiss-memory list', 'the newest 20'],
    ['faiss-memory list --tag ops --order oldest -n 100', 'the oldest 100 with a tag'],
    ['faiss-memory list --trash', 'what restore-deleted can bring back'],
  ],
  run: async (context, { options }) => {
    const { trash, conflicts, order, cursor } = options;
    if (trash && conflicts)
      throw new UsageError('--trash and --conflicts exclude each other', 'Give one of them.');
    const which = trash ? 'trash' : conflicts ? 'conflict' : 'live';
    const filter = toFilterInput(options);
    const limit = parseInteger('--limit', options.limit);
    const { memory } = await context.app();
    const { memories, total, nextCursor } = await memory.list({ which, filter, limit, order, cursor });
    const lines = memories.map((entry) => memoryBrief(entry, memory.timeZone, context.output.columns));
    const shown = total === memories.length ? '' : `${memories.length} of `;
    const next = nextCursor === undefined ? '' : `; next page: --cursor ${nextCursor}`;
    lines.push(`${shown}${count(total, 'memory', 'memories')}; times in ${memory.timeZone.name}${next}`);
    return { data: { memories: memories.map(memoryData), total, nextCursor }, text: lines.join('\n') };
  },
});
