import * as z from 'zod/mini';
import type { SearchHit } from '../../memory/memory-api.ts';
import { defineTool } from '../define-tool.ts';
import { filterFields, flag, limit, tags, toFilter } from '../../api/fields.ts';
import { countFitting } from '../answer-size.ts';
import { leanData } from '../memory-parts.ts';
import { lines, renderHit, renderSearch } from '../render.ts';
import { datedHitData, given, searchNote } from '../../api/answers.ts';

export const memorySearch = defineTool({
  name: 'memory_search',
  title: 'Search memories',
  description:
    'Find memories by meaning and words. Use it whenever an answer may depend on earlier conversations, and before adding. Long texts come as excerpts, memory_get has the whole. similarity: 0 unrelated, 1 the same; absent in languages the model does not read. mode keyword finds exact words.',
  intent: 'read',
  input: z.strictObject({
    query: z.string(),
    limit: limit(100, 5),
    offset: z.optional(z.int().check(z.minimum(0), z.maximum(99))),
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
    next_offset: z.optional(z.int()),
  }),
  async handle({ memory }, { query, limit: most, offset = 0, mode, ...filter }) {
    const found = await memory.search({ query, limit: most, mode, filter: toFilter(filter) });
    const zone = memory.timeZone;
    const rest = found.hits.slice(offset);
    const dataOf = (hit: SearchHit): object => leanData(datedHitData(hit, zone));
    const shown = rest.slice(0, countFitting(rest.map((hit) => [renderHit(hit, zone), dataOf(hit)])));
    const next = offset + shown.length;
    const more =
      next < found.hits.length
        ? `Shown are hits ${offset + 1} to ${next} of ${found.hits.length}, so that the answer stays short; the others with the same arguments and offset ${next}.`
        : '';
    const note = lines(searchNote(found), more);
    const data = {
      hits: shown.map(dataOf),
      ...(shown.length === 0 ? {} : { time_zone: zone.name }),
      mode: found.mode,
      ...given('note', note),
      ...(more === '' ? {} : { next_offset: next }),
    };
    return {
      data,
      text: renderSearch({ ...found, hits: shown }, note, zone),
    };
  },
});
