import * as z from 'zod/mini';
import { InvalidInputError } from '../../errors/invalid-input-error.ts';
import type { AddInput, AddResult } from '../../memory/memory-api.ts';
import { defineTool } from '../define-tool.ts';
import { metadata, tags, text, toMetadata } from '../fields.ts';
import { quote } from '../render.ts';

const one = { tags, source: text('where it comes from'), project: text(), metadata };

export const memoryAdd = defineTool({
  name: 'memory_add',
  title: 'Remember',
  description:
    'Store lasting facts: preferences, decisions, names, how things work. One fact per memory, understandable on its own. Give text, or memories for many. Stored even if similar ones exist: they are reported, decide then.',
  intent: 'add',
  input: z.strictObject({
    text: text(),
    ...one,
    memories: z.optional(z.array(z.strictObject({ text: z.string(), ...one }))),
    on_duplicate: z.optional(z.enum(['add', 'skip', 'supersede'])),
  }),
  output: z.object({
    results: z.array(
      z.object({
        id: z.string(),
        outcome: z.string(),
        similar: z.optional(z.array(z.object({ id: z.string(), text: z.string(), similarity: z.number() }))),
        masked: z.optional(z.array(z.string())),
      }),
    ),
  }),
  async handle({ memory }, { memories, on_duplicate: onDuplicate, text: single, ...rest }) {
    if ((single === undefined) === (memories === undefined)) {
      throw new InvalidInputError(
        'text',
        single === undefined ? 'is missing' : 'and memories are both given',
        'allowed is text, or memories',
      );
    }
    const inputs: AddInput[] = (memories ?? [{ text: single ?? '', ...rest }]).map((input) => ({
      ...input,
      metadata: toMetadata(input.metadata),
    }));
    const results = await memory.add({ memories: inputs, onDuplicate });
    return { data: { results: results.map(toData) }, text: results.map(render).join('\n') };
  },
});

function toData({ memory, outcome, similar, masked }: AddResult): Record<string, unknown> {
  return {
    id: memory.id,
    outcome,
    ...(similar.length === 0
      ? {}
      : { similar: similar.map((other) => ({ ...other, similarity: rounded(other.similarity) })) }),
    ...(masked.length === 0 ? {} : { masked }),
  };
}

function render({ memory, outcome, similar, masked, similarChecked }: AddResult): string {
  return [
    `${outcome} [${memory.id}]`,
    ...(masked.length === 0 ? [] : [`Secrets were masked: ${masked.join(', ')}.`]),
    ...(similarChecked ? [] : ['Not compared with other memories yet: the model is loading.']),
    ...similar.map(
      (other) => `similar ${rounded(other.similarity)} [${other.id}]\n${quote(other.text.slice(0, 200))}`,
    ),
  ].join('\n');
}

function rounded(similarity: number): number {
  return Math.round(similarity * 100) / 100;
}
