import * as z from 'zod/mini';
import { InvalidInputError } from '../../errors/input-errors.ts';
import { defineTool } from '../define-tool.ts';
import { filled, filterFieldsInBrief, flag, tags, text, texts, toFilter } from '../../api/fields.ts';
import { renderDeleted } from '../render.ts';
import { deletedData } from '../../api/answers.ts';

export const memoryDelete = defineTool({
  name: 'memory_delete',
  title: 'Delete memories',
  description:
    'Move memories to the trash: by ids; or by filter (as in memory_search), first with dry_run: true, then again with the confirm token it gave. Undo with memory_update restore.',
  intent: 'remove',
  input: z.strictObject({ ids: tags, dry_run: flag, confirm: text(), ...filterFieldsInBrief }),
  output: z.object({
    dry_run: z.boolean(),
    count: z.int(),
    examples: texts,
    confirm: z.optional(z.string()),
  }),
  async handle({ memory }, { ids: givenIds = [], dry_run: dryRun, confirm, ...conditions }) {
    const ids = givenIds.length === 0 ? undefined : givenIds;
    const filter = toFilter(conditions);
    if ((ids === undefined) === (filter === undefined)) {
      const problem = ids === undefined ? 'is missing' : 'and filter conditions are both given';
      throw new InvalidInputError(
        'ids',
        problem,
        `give ids, or one of ${Object.keys(filterFieldsInBrief).join(', ')}`,
      );
    }
    const result = await memory.delete({ ids, dryRun, confirm: filled(confirm), filter });
    return { data: deletedData(result), text: renderDeleted(result, memory.timeZone) };
  },
});
