import { UsageError } from '../../errors/input-errors.ts';
import { defineCommand, embedBeforeExit, list, missingData, missingText, value } from '../command.ts';
import { memoryBrief, memoryData } from '../render.ts';
import { parseMetadata, readText } from '../option-values.ts';

export const updateCommand = defineCommand({
  name: 'update',
  summary: 'change a memory',
  details: 'What is not given stays as it is. The earlier version is kept in the history.',
  arguments: [
    { name: '<id>', doc: 'id of the memory' },
    { name: '[text...]', doc: 'the new text; - reads it from stdin' },
  ],
  options: {
    file: value('-f, --file <path>', 'read the new text from a file'),
    tags: list('-t, --tag <tag>', 'replaces all tags; repeatable'),
    addTags: list('--add-tag <tag>', 'one more tag; repeatable'),
    removeTags: list('--remove-tag <tag>', 'one tag less; repeatable'),
    source: value('--source <text>', 'where it comes from'),
    metadata: list('-m, --metadata <key=value>', 'sets a member; key=null removes it; repeatable'),
  },
  examples: [
    [
      'faiss-memory update 0198c0de-0000-7000-8000-000000000001 "The staging server is 10.0.0.6"',
      'a new text',
    ],
    [
      'faiss-memory update 0198c0de-0000-7000-8000-000000000001 --add-tag urgent -m ticket=null',
      'other facts only',
    ],
  ],
  run: async (context, { args, options }) => {
    const [id = '', ...words] = args;
    const text = await readText(context, words, options.file);
    const { tags, addTags, removeTags, source } = options;
    const metadata = parseMetadata(options.metadata);
    const lists = [tags, addTags, removeTags];
    if (
      [text, source, metadata].every((part) => part === undefined) &&
      lists.every((tag) => tag.length === 0)
    ) {
      throw new UsageError('nothing to change is given', 'Give a new text, tags, a source or metadata.');
    }
    const app = await context.app();
    const patch = {
      text,
      source,
      metadata,
      tags: filled(tags),
      addTags: filled(addTags),
      removeTags: filled(removeTags),
    };
    const { memory, masked } = await app.memory.update({ id, ...patch });
    const missing = text === undefined ? undefined : await embedBeforeExit(app, context.signal);
    const lines = [memoryBrief(memory, app.memory.timeZone, context.output.columns)];
    if (masked.length > 0) lines.push(`Masked in the text: ${masked.join(', ')}`);
    if (missing !== undefined) lines.push(...missingText(missing));
    const data = {
      memory: memoryData(memory),
      masked,
      ...(missing === undefined ? {} : missingData(missing)),
    };
    return { data, text: lines.join('\n') };
  },
});

function filled(values: readonly string[]): readonly string[] | undefined {
  return values.length === 0 ? undefined : values;
}
