import * as z from 'zod/mini';
import { InvalidInputError } from '../../errors/invalid-input-error.ts';
import { defineTool } from '../define-tool.ts';
import { flag, memoryShape, metadata, tags, text, toMetadata } from '../fields.ts';
import { renderRestored, renderUpdated } from '../render.ts';
import { beginning, given, memoryData } from '../structured.ts';

export const memoryUpdate = defineTool({
  name: 'memory_update',
  title: 'Update a memory',
  description:
    'Correct or complete a memory; older versions are kept. tags replaces all. metadata is merged, null removes a member. restore: true brings it back from the trash.',
  intent: 'change',
  input: z.strictObject({
    id: z.string(),
    text: text(),
    tags,
    add_tags: tags,
    remove_tags: tags,
    source: text(),
    metadata,
    restore: flag,
  }),
  output: z.object({ memory: memoryShape, masked: tags }),
  async handle({ memory }, { id, restore, add_tags: addTags, remove_tags: removeTags, ...same }) {
    const changes = { ...same, addTags, removeTags, metadata: toMetadata(same.metadata) };
    const changesNothing = Object.values(changes).every((value) => value === undefined);
    if (restore === true) {
      const [restored] = await memory.restore([id]);
      if (changesNothing && restored !== undefined) {
        return {
          data: { memory: memoryData(restored, beginning(restored.text)) },
          text: renderRestored(restored),
        };
      }
    } else if (changesNothing) {
      throw new InvalidInputError('id', 'is given without a change', `allowed are ${CHANGES.join(', ')}`);
    }
    const { memory: updated, masked } = await memory.update({ id, ...changes });
    return {
      data: { memory: memoryData(updated, beginning(updated.text)), ...given('masked', masked) },
      text: renderUpdated(updated, masked),
    };
  },
});

const CHANGES = ['text', 'tags', 'add_tags', 'remove_tags', 'source', 'metadata', 'restore'];
