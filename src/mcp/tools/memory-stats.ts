import * as z from 'zod/mini';
import { defineTool } from '../define-tool.ts';
import { described, limit } from '../../api/fields.ts';
import { statsData } from '../../api/answers.ts';

export const memoryStats = defineTool({
  name: 'memory_stats',
  title: 'Memory statistics',
  description: 'Counts, frequent tags and sources, state of the search.',
  intent: 'read',
  input: z.strictObject({ limit: described(limit(100, 15), 'tags and sources, default 15') }),
  output: z.looseObject({ live: z.int(), trash: z.int(), conflicts: z.int() }),
  async handle({ memory }, { limit: facets }) {
    const data = statsData(await memory.stats(), facets);
    return { data, text: JSON.stringify(data) };
  },
});
