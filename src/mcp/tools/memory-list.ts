import * as z from 'zod/mini';
import { excerpt } from '../../memory/snippet.ts';
import { defineTool } from '../define-tool.ts';
import { filterFields, limit, text, toFilter } from '../fields.ts';
import { DATA_NOTICE, renderMemory, toData } from '../render.ts';

export const memoryList = defineTool({
  name: 'memory_list',
  title: 'List memories',
  description:
    'Browse memories by filter and date, page by page; also the trash and conflicts. To find something, use memory_search.',
  intent: 'read',
  input: z.strictObject({
    which: z.optional(z.enum(['live', 'trash', 'conflict'])),
    order: z.optional(z.enum(['newest', 'oldest', 'updated'])),
    limit: limit(1_000, 20),
    cursor: text(),
    ...filterFields,
  }),
  output: z.object({
    memories: z.array(z.looseObject({ id: z.string(), text: z.string() })),
    total: z.int(),
    next_cursor: z.optional(z.string()),
  }),
  async handle({ memory }, { which, order, limit: most, cursor, ...filter }) {
    const page = await memory.list({ which, order, limit: most, cursor, filter: toFilter(filter) });
    const shown = page.memories.map((item) => ({ item, snippet: excerpt(item.text, 0).text }));
    const next = page.nextCursor === undefined ? [] : [`More: cursor ${page.nextCursor}`];
    return {
      data: {
        memories: shown.map(({ item, snippet }) => toData(item, snippet)),
        total: page.total,
        ...(page.nextCursor === undefined ? {} : { next_cursor: page.nextCursor }),
      },
      text: [
        `${shown.length} of ${page.total}. ${DATA_NOTICE}`,
        ...shown.map(({ item, snippet }) => renderMemory(item, snippet)),
        ...next,
      ].join('\n'),
    };
  },
});
