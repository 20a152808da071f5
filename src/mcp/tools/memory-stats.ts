import * as z from 'zod/mini';
import type { Stats } from '../../memory/memory-api.ts';
import { defineTool } from '../define-tool.ts';
import { isoTime } from '../render.ts';

export const memoryStats = defineTool({
  name: 'memory_stats',
  title: 'Memory statistics',
  description: 'How many memories there are, their frequent tags and sources, and the state of the search.',
  intent: 'read',
  input: z.strictObject({}),
  output: z.looseObject({ live: z.int(), trash: z.int(), conflicts: z.int() }),
  async handle({ memory }) {
    const stats = await memory.stats();
    const data = statsData(stats);
    return { data, text: JSON.stringify(data) };
  },
});

const SHOWN_FACETS = 15;

/** The statistics as agents get them, from the tool and from the resource. */
export function statsData(stats: Stats): Record<string, unknown> {
  const { live, trash, conflicts, bytes, embedding } = stats;
  return {
    live,
    trash,
    conflicts,
    bytes,
    ...(stats.oldest === null ? {} : { oldest: isoTime(stats.oldest) }),
    ...(stats.newest === null ? {} : { newest: isoTime(stats.newest) }),
    tags: Object.fromEntries(stats.tags.slice(0, SHOWN_FACETS).map(({ tag, count }) => [tag, count])),
    sources: Object.fromEntries(
      stats.sources.slice(0, SHOWN_FACETS).map(({ source, count }) => [source, count]),
    ),
    embedding: {
      model: embedding.modelId,
      ready: embedding.ready,
      pending: embedding.pending,
      ...(embedding.problem === '' ? {} : { problem: embedding.problem }),
    },
  };
}
