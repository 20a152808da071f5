import * as z from 'zod/mini';
import type { SearchHit, SearchResponse } from '../../memory/memory-api.ts';
import { defineTool } from '../define-tool.ts';
import { filterFields, limit, toFilter } from '../fields.ts';
import { DATA_NOTICE, isoDay, renderHit } from '../render.ts';

export const memorySearch = defineTool({
  name: 'memory_search',
  title: 'Search memories',
  description:
    'Find memories by meaning and words. Use it before answering whatever may depend on earlier conversations, and before adding. similarity: 0 unrelated, 1 the same.',
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
        truncated: z.optional(z.boolean()),
        score: z.number(),
        similarity: z.nullable(z.number()),
        words: z.array(z.string()),
        word_rank: z.nullable(z.int()),
        vector_rank: z.nullable(z.int()),
        tags: z.optional(z.array(z.string())),
        source: z.optional(z.string()),
        created: z.string(),
      }),
    ),
    mode: z.string(),
    note: z.optional(z.string()),
  }),
  async handle({ memory }, { query, limit: most, mode, ...filter }) {
    const response = await memory.search({ query, limit: most, mode, filter: toFilter(filter) });
    const note = noteOf(response);
    return {
      data: { hits: response.hits.map(toData), mode: response.mode, ...(note === '' ? {} : { note }) },
      text: [note, ...(response.hits.length === 0 ? [] : [DATA_NOTICE]), ...response.hits.map(renderHit)]
        .filter(Boolean)
        .join('\n'),
    };
  },
});

function noteOf({ hits, note, nothingRelevant }: SearchResponse): string {
  const quality =
    hits.length === 0
      ? 'Nothing found.'
      : nothingRelevant
        ? 'Probably nothing relevant: all hits are far from the query.'
        : '';
  return [quality, note].filter(Boolean).join(' ');
}

function toData({ memory, snippet, snippetTruncated, ...hit }: SearchHit): Record<string, unknown> {
  return {
    id: memory.id,
    text: snippet,
    ...(snippetTruncated ? { truncated: true } : {}),
    score: rounded(hit.score),
    similarity: hit.similarity === null ? null : rounded(hit.similarity),
    words: hit.matchedWords,
    word_rank: hit.wordRank,
    vector_rank: hit.vectorRank,
    ...(memory.tags.length === 0 ? {} : { tags: memory.tags }),
    ...(memory.source === '' ? {} : { source: memory.source }),
    created: isoDay(memory.createdAt),
  };
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
