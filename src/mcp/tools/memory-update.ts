import * as z from 'zod/mini';
import { InvalidInputError, NotFoundError } from '../../errors/input-errors.ts';
import { defineTool } from '../define-tool.ts';
import { flag, memoryShape, metadata, tags, text } from '../../api/fields.ts';
import { renderRestored, renderUpdated } from '../render.ts';
import { listedData } from '../memory-parts.ts';
import { given } from '../../api/answers.ts';

const changes = {
  text: text(),
  tags,
  add_tags: tags,
  remove_tags: tags,
  source: text(),
  metadata,
};

export const memoryUpdate = defineTool({
  name: 'memory_update',
  title: 'Update a memory',
  description:
    'Correct or complete a memory; older versions are kept. tags replaces all tags; metadata is merged, null removes a member. restore: true, alone, brings it back from the trash.',
  intent: 'change',
  input: z.strictObject({ id: z.string(), ...changes, restore: flag }),
  output: z.object({ memory: memoryShape, masked: tags }),
  async handle({ memory }, { id, restore, add_tags: addTags, remove_tags: removeTags, ...same }) {
    const patch = { ...same, addTags, removeTags };
    const changesNothing = Object.values(patch).every((value) => value === undefined);
    if (restore === true) {
      if (!changesNothing) {
        throw new InvalidInputError('restore', 'and changes are both given', 'restore first, then change');
      }
      const [restored] = await memory.restore([id]);
      if (restored === undefined) throw new NotFoundError([id]);
      const data = { memory: listedData(restored) };
      return { data, text: renderRestored(restored, memory.timeZone) };
    }
    if (changesNothing) {
      const names = [...Object.keys(changes), 'restore'].join(', ');
      throw new InvalidInputError('id', 'is given without a change', `allowed are ${names}`);
    }
    const { memory: updated, masked } = await memory.update({ id, ...patch });
    const data = { memory: listedData(updated), ...given('masked', masked) };
    return { data, text: renderUpdated(updated, masked, memory.timeZone) };
  },
});
