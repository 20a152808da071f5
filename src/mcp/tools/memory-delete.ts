import * as z from 'zod/mini';
import type { DeleteResult } from '../../memory/memory-api.ts';
import { excerpt } from '../../memory/snippet.ts';
import { defineTool } from '../define-tool.ts';
import { filterFields, tags, text, toFilter } from '../fields.ts';
import { renderMemory } from '../render.ts';

export const memoryDelete = defineTool({
  name: 'memory_delete',
  title: 'Delete memories',
  description:
    'Move memories to the trash: by ids, or by filter, which needs dry_run first and then its confirm token. Restore with memory_update.',
  intent: 'remove',
  input: z.strictObject({ ids: tags, dry_run: z.optional(z.boolean()), confirm: text(), ...filterFields }),
  output: z.object({
    dry_run: z.boolean(),
    count: z.int(),
    examples: z.array(z.string()),
    confirm: z.optional(z.string()),
  }),
  async handle({ memory }, { ids, dry_run: dryRun, confirm, ...filter }) {
    const result = await memory.delete({ ids, dryRun, confirm, filter: toFilter(filter) });
    const examples = result.examples.map((example) => example.id);
    return {
      data: {
        dry_run: result.dryRun,
        count: result.count,
        examples,
        ...(result.confirm === undefined ? {} : { confirm: result.confirm }),
      },
      text: render(result),
    };
  },
});

function render({ dryRun, count, examples, confirm }: DeleteResult): string {
  const memories = count === 1 ? '1 memory' : `${count} memories`;
  if (!dryRun) return `Moved ${memories} to the trash.`;
  return [
    `Would delete ${memories}${confirm === undefined ? '.' : `. To do it, call again with the same filter and confirm: ${confirm}`}`,
    ...examples.map((example) => renderMemory(example, excerpt(example.text, 0).text)),
  ].join('\n');
}
