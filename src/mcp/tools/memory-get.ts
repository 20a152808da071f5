import * as z from 'zod/mini';
import { defineTool } from '../define-tool.ts';
import { memoryShape, text, texts } from '../../api/fields.ts';
import { partData, partOf, renderPart } from '../memory-parts.ts';

export const memoryGet = defineTool({
  name: 'memory_get',
  title: 'Get memories',
  description:
    'Whole memories by id: full text, metadata, older versions, conflict copies; in parts when long.',
  intent: 'read',
  input: z.strictObject({ ids: texts, cursor: text('from the part before') }),
  output: z.object({ memories: z.array(memoryShape), next_cursor: text() }),
  async handle({ memory }, { ids, cursor }) {
    const part = partOf(await memory.get(ids), cursor);
    return { data: partData(part), text: renderPart(part, memory.timeZone) };
  },
});
