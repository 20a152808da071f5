import * as z from 'zod/mini';
import { InvalidInputError } from '../../errors/input-errors.ts';
import { defineTool } from '../define-tool.ts';
import { memoryShape, metadata, tags, text, texts } from '../../api/fields.ts';
import type { AddResult } from '../../memory/memory-api.ts';
import { HALF_TOKENS, tokensOf } from '../answer-size.ts';
import { renderAdded } from '../render.ts';
import { addedData, similarData } from '../../api/answers.ts';

const about = { tags, source: text(), project: text(), metadata };

export const memoryAdd = defineTool({
  name: 'memory_add',
  title: 'Remember',
  description:
    'Store what will matter in later conversations: preferences, decisions and why, facts about people and projects. One fact per memory, understandable on its own, no secrets. Give text, or memories for many. An exact duplicate returns the existing id, which takes over new tags and metadata. A near-duplicate is stored and reported as similar. on_duplicate, for the same statement in the same words: skip it, supersede the old one, or add even exact duplicates; other numbers, names or negations are never replaced.',
  intent: 'add',
  input: z.strictObject({
    text: text(),
    ...about,
    source: text('where it comes from: person, document, URL'),
    memories: z.optional(z.array(z.strictObject({ text: z.string(), ...about }))),
    on_duplicate: z.optional(z.enum(['add', 'skip', 'supersede'])),
  }),
  output: z.object({
    results: z.array(
      z.object({
        id: z.string(),
        outcome: z.string(),
        gained: z.optional(texts),
        twin: z.optional(z.object({ id: z.string(), differs: texts })),
        similar: z.optional(z.array(memoryShape)),
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
    const results = withinAnswer(await memory.add({ memories: inputs, onDuplicate }));
    return { data: { results: results.map(addedData) }, text: results.map(renderAdded).join('\n') };
  },
});

/** What resembles the last of many new memories is left out where it would make the answer too long. */
function withinAnswer(results: readonly AddResult[]): AddResult[] {
  const bare = results.map((result) => ({ ...result, similar: [] }));
  let left = HALF_TOKENS - tokensOf(JSON.stringify(bare.map(addedData)));
  return results.map((result, index) => {
    left -= tokensOf(JSON.stringify(result.similar.map(similarData)));
    return left > 0 ? result : (bare[index] ?? result);
  });
}
