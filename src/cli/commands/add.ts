import { UsageError } from '../../errors/input-errors.ts';
import type { AddResult } from '../../memory/memory-api.ts';
import { defineCommand, embedBeforeExit, list, missingData, missingEmbeddings, missingText, oneOf, value } from '../command.ts';
import { memoryData, oneLine } from '../render.ts';
import { parseMetadata, readText } from '../option-values.ts';

export const addCommand = defineCommand({
  name: 'add',
  summary: 'store a memory',
  details:
    'Prints its id. An exact duplicate is not stored again: the memory takes over new tags and metadata, and another ' +
    'project, source or metadata value makes a second memory. Near-duplicates are stored and reported.',
  arguments: [{ name: '[text...]', doc: 'the text; - reads it from stdin' }],
  options: {
    file: value('-f, --file <path>', 'read the text from a file'),
    tags: list('-t, --tag <tag>', 'tag of the memory; repeatable'),
    source: value('--source <text>', 'where it comes from'),
    project: value('--project <name>', 'project it belongs to'),
    metadata: list(
      '-m, --metadata <key=value>',
      'further facts; a value that is JSON is taken as such; repeatable',
    ),
    onDuplicate: oneOf(
      '--on-duplicate <what>',
      ['add', 'skip', 'supersede'],
      'store exact duplicates too, or skip or replace the same statement in the same words',
    ),
  },
  examples: [
    [
      'faiss-memory add "The staging server is 10.0.0.5" --tag ops --tag staging',
      'store a fact with two tags',
    ],
    ['git log -1 --format=%B | faiss-memory add - --source git', 'store what another program prints'],
    ['faiss-memory add --file notes.md --project website -m reviewed=true', 'store a file'],
  ],
  run: async (context, { args, options }) => {
    const text = await readText(context, args, options.file);
    if (text === undefined) {
      throw new UsageError('the text is missing', 'Write it after "add", use - for stdin, or --file.');
    }
    const app = await context.app();
    const { tags, source, project, onDuplicate } = options;
    const memory = { text, tags, source, project, metadata: parseMetadata(options.metadata) };
    const [result] = await app.memory.add({ memories: [memory], onDuplicate, waitForModel: true });
    if (result === undefined) throw new TypeError('add of one memory returned no result');
    // A model that did not answer once is not asked again: the memory is stored, and the command ends soon.
    const missing = result.similarChecked
      ? await embedBeforeExit(app, context.signal)
      : await missingEmbeddings(app);
    return {
      data: { ...addData(result), ...missingData(missing) },
      text: [...describe(result, context.output.columns), ...missingText(missing)].join('\n'),
    };
  },
});

function addData(result: AddResult): object {
  const { memory, ...others } = result;
  return { memory: memoryData(memory), ...others };
}

const OUTCOMES: Readonly<Record<AddResult['outcome'], string>> = {
  added: 'Stored',
  existing: 'Already there:',
  skipped: 'Already said, nothing stored:',
  superseded: 'Replaced by the new text:',
};

function describe(result: AddResult, columns: number): string[] {
  const { memory, outcome, gained, twin, similar, masked } = result;
  const lines = [`${OUTCOMES[outcome]} ${memory.id}`];
  if (gained.length > 0) lines.push(`It took over: ${gained.join(', ')}`);
  if (twin !== undefined)
    lines.push(`Kept apart from ${twin.id}, which says the same: other ${twin.differs.join(', ')}`);
  if (masked.length > 0) lines.push(`Masked in the text: ${masked.join(', ')}`);
  if (similar.length > 0) lines.push('Similar memories:');
  for (const { id, text, similarity, differs } of similar) {
    const how = similarity === null ? '' : `${percent(similarity)}  `;
    const why = differs === undefined ? '' : `other ${differs}  `;
    lines.push(`  ${id}  ${how}${why}${oneLine(text, Math.max(20, columns - 62))}`);
  }
  if (outcome === 'added' && similar.length > 0)
    lines.push(
      `To replace one of them: faiss-memory update <id> "<text>", then faiss-memory delete ${memory.id}`,
    );
  return lines;
}

function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}
