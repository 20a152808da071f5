import * as z from 'zod/mini';
import { defineTool } from '../define-tool.ts';
import { filterFields, flag, limit, tags, toFilter } from '../../wire/fields.ts';
import { renderSearch } from '../render.ts';
import { searchData, searchNote } from '../../wire/memory-data.ts';

export const memorySearch = defineTool({
  name: 'memory_search',
  title: 'Search memories',
  description:
    'Find memories by meaning and words. Use it whenever an answer may depend on earlier conversations, and before adding. Long texts come as excerpts, memory_get has the whole. similarity: 0 unrelated, 1 the same. mode keyword finds exact words.',
  intent: 'read',
  input: z.strictObject({
    query: z.string(),
    limit: limit(100, 5),
    mode: z.optional(z.enum(['hybrid', 'vector', 'keyword'])),
    ...filterFields,
  }),
  output: z.object({
    hits: z.array(
      z.object({
        id: z.string(),
        text: z.string(),
        truncated: flag,
        score: z.number(),
        similarity: z.optional(z.number()),
        vector_rank: z.optional(z.int()),
        word_rank: z.optional(z.int()),
        words: tags,
        tags,
        source: z.optional(z.string()),
        created: z.string(),
      }),
    ),
    time_zone: z.optional(z.string()),
    mode: z.string(),
    note: z.optional(z.string()),
  }),
  async handle({ memory }, { query, limit: most, mode, ...filter }) {
    const response = await memory.search({ query, limit: most, mode, filter: toFilter(filter) });
    const note = searchNote(response);
    return {
      data: searchData(response, note, memory.timeZone),
      text: renderSearch(response, note, memory.timeZone),
    };
  },
});
