import * as z from 'zod/mini';
import { defineTool } from '../define-tool.ts';
import { memoryShape, texts } from '../../wire/fields.ts';
import { renderHistories } from '../render.ts';
import { historyData } from '../../wire/memory-data.ts';

export const memoryGet = defineTool({
  name: 'memory_get',
  title: 'Get memories',
  description: 'Whole memories by id: full text, metadata, older versions, conflict copies.',
  intent: 'read',
  input: z.strictObject({ ids: texts }),
  output: z.object({ memories: z.array(memoryShape) }),
  async handle({ memory }, { ids }) {
    const memories = await memory.get(ids);
    return {
      data: { memories: memories.map(historyData) },
      text: renderHistories(memories, memory.timeZone),
    };
  },
});
