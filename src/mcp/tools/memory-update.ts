import * as z from 'zod/mini';
import { InvalidInputError } from '../../errors/invalid-input-error.ts';
import { defineTool } from '../define-tool.ts';
import { metadata, tags, text, toMetadata } from '../fields.ts';
import { renderMemory, toData } from '../render.ts';

export const memoryUpdate = defineTool({
  name: 'memory_update',
  title: 'Update a memory',
  description:
    'Correct or complete a memory. The old version is kept. metadata is merged, null removes a member. restore: true brings it back from the trash.',
  intent: 'change',
  input: z.strictObject({
    id: z.string(),
    text: text(),
    tags,
    add_tags: tags,
    remove_tags: tags,
    source: text(),
    metadata,
    restore: z.optional(z.boolean()),
  }),
  output: z.object({
    memory: z.looseObject({ id: z.string(), text: z.string() }),
    masked: z.optional(z.array(z.string())),
  }),
  async handle({ memory }, { id, restore, add_tags: addTags, remove_tags: removeTags, ...changes }) {
    const patch = { ...changes, addTags, removeTags, metadata: toMetadata(changes.metadata) };
    const changesNothing = Object.values(patch).every((value) => value === undefined);
    if (restore === true) {
      const [restored] = await memory.restore([id]);
      if (restored === undefined)
        throw new InvalidInputError(
          'id',
          `is ${JSON.stringify(id)}`,
          'allowed is the id of a memory in the trash',
        );
      if (changesNothing)
        return { data: { memory: toData(restored) }, text: `restored ${renderMemory(restored)}` };
    }
    const updated = await memory.update({ id, ...patch });
    const masked = updated.masked.length === 0 ? [] : [`Secrets were masked: ${updated.masked.join(', ')}.`];
    return {
      data: {
        memory: toData(updated.memory),
        ...(updated.masked.length === 0 ? {} : { masked: updated.masked }),
      },
      text: [`updated ${renderMemory(updated.memory)}`, ...masked].join('\n'),
    };
  },
});
