import * as z from 'zod/mini';
import { defineTool } from '../define-tool.ts';
import { filled, filterFieldsInBrief, limit, memoryShape, text, toFilter } from '../../wire/fields.ts';
import { renderPage } from '../render.ts';
import { beginning, memoryData } from '../../wire/memory-data.ts';

export const memoryList = defineTool({
  name: 'memory_list',
  title: 'List memories',
  description:
    'Browse memories by date and filter (as in memory_search), page by page; also the trash and conflicts.',
  intent: 'read',
  input: z.strictObject({
    which: z.optional(z.enum(['live', 'trash', 'conflict'])),
    order: z.optional(z.enum(['newest', 'oldest', 'updated'])),
    limit: limit(1_000, 20),
    cursor: text(),
    ...filterFieldsInBrief,
  }),
  output: z.object({
    memories: z.array(memoryShape),
    total: z.int(),
    next_cursor: z.optional(z.string()),
  }),
  async handle({ memory }, { which, order, limit: most, cursor, ...filter }) {
    const page = await memory.list({
      which,
      order,
      limit: most,
      cursor: filled(cursor),
      filter: toFilter(filter),
    });
    return {
      data: {
        memories: page.memories.map((item) => memoryData(item, beginning(item.text))),
        total: page.total,
        ...(page.nextCursor === undefined ? {} : { next_cursor: page.nextCursor }),
      },
      text: renderPage(page, which, memory.timeZone),
    };
  },
});
