import * as z from 'zod/mini';
import { defineTool } from '../define-tool.ts';
import { filterFieldsInBrief, limit, memoryShape, text, toFilter } from '../../api/fields.ts';
import { countFitting } from '../answer-size.ts';
import { listedData } from '../memory-parts.ts';
import { renderBeginning, renderPage } from '../render.ts';

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
    const request = { which, order, cursor, filter: toFilter(filter) };
    const all = await memory.list({ ...request, limit: most });
    const zone = memory.timeZone;
    const fitting = countFitting(all.memories.map((item) => [renderBeginning(item, zone), listedData(item)]));
    const isShort = fitting < all.memories.length;
    // Asked once more, for the cursor behind the last one that fits.
    const page = isShort ? await memory.list({ ...request, limit: fitting }) : all;
    return {
      data: {
        memories: page.memories.map(listedData),
        total: page.total,
        ...(page.nextCursor === undefined ? {} : { next_cursor: page.nextCursor }),
      },
      text: renderPage(page, { which, zone, isShort }),
    };
  },
});
