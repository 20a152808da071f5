import * as z from 'zod/mini';
import { InvalidInputError } from '../../errors/invalid-input-error.ts';
import type { AddInput } from '../../memory/memory-api.ts';
import { defineTool } from '../define-tool.ts';
import { metadata, tags, text, texts, toMetadata } from '../fields.ts';
import { renderAdded } from '../render.ts';
import { addedData } from '../structured.ts';

const about = { tags, source: text(), project: text(), metadata };

export const memoryAdd = defineTool({
  name: 'memory_add',
  title: 'Remember',
  description:
    'Store what will matter in later conversations: preferences, decisions and why, facts about people and projects. One fact per memory, understandable on its own, no secrets. Give text, or memories for many. Near-duplicates are stored too and reported as similar, unless on_duplicate says skip or supersede (a new version of the old one).',
  intent: 'add',
  input: z.strictObject({
    text: text(),
    ...about,
    memories: z.optional(z.array(z.strictObject({ text: z.string(), ...about }))),
    on_duplicate: z.optional(z.enum(['add', 'skip', 'supersede'])),
  }),
  output: z.object({
    results: z.array(
      z.object({
        id: z.string(),
        outcome: z.string(),
        similar: z.optional(z.array(z.object({ id: z.string(), similarity: z.number(), text: z.string() }))),
        masked: z.optional(texts),
      }),
    ),
  }),
  async handle({ memory }, { text: single = '', memories = [], on_duplicate: onDuplicate, ...rest }) {
    if ((single === '') === (memories.length === 0)) {
      const problem = single === '' ? 'is missing' : 'and memories are both given';
      throw new InvalidInputError('text', problem, 'give text for one memory, or memories for many');
    }
    const inputs = single === '' ? memories : [{ ...rest, text: single }];
    const results = await memory.add({ memories: inputs.map(toAddInput), onDuplicate });
    return { data: { results: results.map(addedData) }, text: results.map(renderAdded).join('\n') };
  },
});

type Given = Omit<AddInput, 'metadata'> & { readonly metadata?: Record<string, unknown> | undefined };

function toAddInput(given: Given): AddInput {
  return { ...given, metadata: toMetadata(given.metadata) };
}
