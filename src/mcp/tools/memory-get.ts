import * as z from 'zod/mini';
import type { MemoryWithHistory } from '../../memory/memory.ts';
import { defineTool } from '../define-tool.ts';
import { texts } from '../fields.ts';
import { DATA_NOTICE, isoTime, renderHistory, toData } from '../render.ts';

export const memoryGet = defineTool({
  name: 'memory_get',
  title: 'Get memories',
  description: 'Full text of memories by id, with older versions and conflict copies.',
  intent: 'read',
  input: z.strictObject({ ids: texts }),
  output: z.object({ memories: z.array(z.looseObject({ id: z.string(), text: z.string() })) }),
  async handle({ memory }, { ids }) {
    const memories = await memory.get(ids);
    return {
      data: { memories: memories.map(withVersions) },
      text: [DATA_NOTICE, ...memories.map(renderHistory)].join('\n'),
    };
  },
});

function withVersions(memory: MemoryWithHistory): Record<string, unknown> {
  const others = memory.history
    .slice(1)
    .map(({ role, state, text, updatedAt }) => ({ role, state, text, updated: isoTime(updatedAt) }));
  return { ...toData(memory), ...(others.length === 0 ? {} : { versions: others }) };
}
