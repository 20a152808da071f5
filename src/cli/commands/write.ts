import { addedData, shownSimilarity, updatedData } from '../../api/memory-answers.ts';
import { UsageError } from '../../errors/input-errors.ts';
import type { AddResult } from '../../memory/memory-api.ts';
import { visibleLine } from '../../util/visible-text.ts';
import {
  defineCommand,
  embedBeforeExit,
  list,
  missingData,
  missingEmbeddings,
  missingText,
  oneOf,
  toggle,
  value,
} from '../command.ts';
import { currentProject, parseMetadata, readText, statedOptions, toStated } from '../option-values.ts';
import { memoryBrief, oneLine } from '../render.ts';

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
    project: value(
      '--project <name>',
      'project it belongs to (default: MEMORY_PROJECT, or the git repository of this folder); * = all',
    ),
    metadata: list(
      '-m, --metadata <key=value>',
      'further facts; a value that is JSON is taken as such; repeatable',
    ),
    onDuplicate: oneOf(
      '--on-duplicate <what>',
      ['add', 'skip', 'supersede'],
      'store exact duplicates too, or skip or replace the same statement in the same words',
    ),
    wait: toggle('--no-wait', 'store it and end: it is not compared with other memories, and embedded later'),
    ...statedOptions,
  },
  examples: [
    [
      'faiss-memory add "The staging server is 10.0.0.5" --tag ops --tag staging',
      'store a fact with two tags',
    ],
    ['git log -1 --format=%B | faiss-memory add - --source git', 'store what another program prints'],
    ['faiss-memory add --file notes.md --project website -m reviewed=true', 'store a file'],
  ],
  writes: () => true,
  run: async (context, { args, options }) => {
    const text = await readText(context, args, options.file);
    if (text === undefined) {
      throw new UsageError('the text is missing', 'Write it after "add", use - for stdin, or --file.');
    }
    const app = await context.app();
    const { tags, source, project, onDuplicate, wait } = options;
    const metadata = parseMetadata(options.metadata);
    const memory = { text, tags, source, project, metadata, ...toStated(options) };
    const [result] = await app.memory.add({
      ...{ memories: [memory], onDuplicate, waitForModel: wait, wait },
      currentProject: await currentProject(context),
    });
    if (result === undefined) throw new TypeError('add of one memory returned no result');
    if (!wait) {
      const lines = [
        ...describe(result, context.output.columns),
        ...(result.similarChecked ? [] : [NOT_COMPARED]),
      ];
      return { data: addedData(result), text: lines.join('\n') };
    }
    // A model that did not answer once is not asked again: the memory is stored, and the command ends soon.
    const missing = result.similarChecked ? await embedBeforeExit(context) : await missingEmbeddings(context);
    return {
      data: { ...addedData(result), ...missingData(missing) },
      text: [...describe(result, context.output.columns), ...missingText(missing)].join('\n'),
    };
  },
});

const NOT_COMPARED =
  'Not compared with other memories, and found by words until it has an embedding: a running server makes it, or "faiss-memory reembed".';

const OUTCOMES: Readonly<Record<AddResult['outcome'], string>> = {
  added: 'Stored',
  existing: 'Already there:',
  skipped: 'Already said, nothing stored:',
  superseded: 'Replaced by the new text:',
};

function describe(result: AddResult, columns: number): string[] {
  const { memory, outcome, gained, twin, similar, masked } = result;
  const lines = [`${OUTCOMES[outcome]} ${memory.id}`];
  if (gained.length > 0) lines.push(`It took over: ${gained.map(visibleLine).join(', ')}`);
  if (twin !== undefined)
    lines.push(
      `Kept apart from ${twin.id}, which says the same: other ${twin.differs.map(visibleLine).join(', ')}`,
    );
  if (masked.length > 0) lines.push(`Masked in the text: ${masked.join(', ')}`);
  if (similar.length > 0) lines.push('Similar memories:');
  for (const one of similar) {
    const { id, text, differs } = one;
    const similarity = shownSimilarity(one);
    const how = similarity === null ? '' : `${percent(similarity)}  `;
    const why = differs === undefined ? '' : `other ${differs}  `;
    lines.push(`  ${id}  ${how}${why}${oneLine(text, Math.max(20, columns - 62))}`);
  }
  if (outcome === 'added' && similar.length > 0)
    lines.push(
      `If it replaces one of them: faiss-memory update ${memory.id} --supersedes <id>, which keeps both.`,
    );
  return lines;
}

function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}

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
    project: value('--project <name>', 'project it belongs to; * = all'),
    metadata: list('-m, --metadata <key=value>', 'sets a member; key=null removes it; repeatable'),
    ...statedOptions,
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
  writes: () => true,
  run: async (context, { args, options }) => {
    const [id = '', ...words] = args;
    const text = await readText(context, words, options.file);
    const { tags, addTags, removeTags, source, project } = options;
    const metadata = parseMetadata(options.metadata);
    const lists = [tags, addTags, removeTags];
    const stated = toStated(options);
    if (
      [text, source, project, metadata, ...Object.values<unknown>({ ...stated })].every(
        (part) => part === undefined,
      ) &&
      lists.every((tag) => tag.length === 0)
    ) {
      throw new UsageError(
        'nothing to change is given',
        'Give a new text, tags, a source, metadata, or another option of the command.',
      );
    }
    const app = await context.app();
    const patch = {
      ...stated,
      text,
      project,
      source,
      metadata,
      tags: filled(tags),
      addTags: filled(addTags),
      removeTags: filled(removeTags),
    };
    const updated = await app.memory.update({ id, ...patch });
    const { memory, masked } = updated;
    const missing = text === undefined ? undefined : await embedBeforeExit(context);
    const lines = [memoryBrief(memory, app.memory.timeZone, context.output.columns)];
    if (masked.length > 0) lines.push(`Masked in the text: ${masked.join(', ')}`);
    if (missing !== undefined) lines.push(...missingText(missing));
    const data = { ...updatedData(updated), ...(missing === undefined ? {} : missingData(missing)) };
    return { data, text: lines.join('\n') };
  },
});

function filled(values: readonly string[]): readonly string[] | undefined {
  return values.length === 0 ? undefined : values;
}
