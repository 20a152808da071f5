import * as z from 'zod/mini';
import { InvalidInputError, NotFoundError } from '../../errors/input-errors.ts';
import {
  asOf,
  filled,
  flag,
  maxTokens,
  metadata,
  statedFields,
  tags,
  text,
  texts,
  withStated,
} from '../../api/fields.ts';
import { partData, partOf } from '../../api/memory-parts.ts';
import {
  addedData,
  type Data,
  deletedData,
  fullHistoryData,
  isoTime,
  memoryData,
  updatedData,
} from '../../api/memory-answers.ts';
import type { MemoryApi } from '../../memory/memory-api.ts';
import { defineRoute, type Route } from '../route.ts';
import { memory as memoryShape, memoryWithVersions, similar, stale, time } from './shapes.ts';

const draft = {
  text: z.string(),
  tags,
  source: text('where it comes from: person, document, URL'),
  project: text('none: that of the settings; *: it holds in all'),
  metadata,
  ...statedFields,
};
const wait = flag.check(
  z.describe(
    'false: answer once it is stored; what it resembles is not looked for, and its vector is made later',
  ),
);
const onDuplicate = z.optional(z.enum(['add', 'skip', 'supersede']));
const addedShape = z.object({
  id: z.string(),
  outcome: z.enum(['added', 'existing', 'skipped', 'superseded']),
  gained: tags.check(z.describe('what an existing memory took over: tags, source, project, metadata.<name>')),
  twin: z
    .optional(z.object({ id: z.string(), differs: texts }))
    .check(z.describe('a memory that says the same, kept apart because what is named differs')),
  similar: z.optional(similar),
  compared: z
    .optional(z.boolean())
    .check(
      z.describe(
        'false: what it resembles is not known yet, since the model was not ready, or wait was false',
      ),
    ),
  masked: tags,
});

const addMemory = defineRoute({
  name: 'addMemory',
  method: 'POST',
  path: '/memory/add',
  group: 'Memories',
  summary: 'Store one memory',
  details:
    'An exact duplicate returns the existing id, which takes over new tags and metadata; another project, source or metadata value makes a second memory. A near-duplicate is stored and reported. on_duplicate decides about the same statement in the same words only: other numbers, names, negations or another order are never replaced; to replace such a memory, PATCH it.',
  access: 'write',
  input: z.strictObject({ ...draft, on_duplicate: onDuplicate, wait }),
  inQuery: ['wait'],
  output: addedShape,
  status: 201,
  problems: [422],
  async handle({ memory }, { on_duplicate: duplicates, wait: waits, ...rest }) {
    const drafts = [withStated(rest)];
    const [result] = await memory.add({ memories: drafts, onDuplicate: duplicates, wait: waits });
    return result === undefined ? {} : addedData(result);
  },
});

const addMemories = defineRoute({
  name: 'addMemories',
  method: 'POST',
  path: '/memory/add-batch',
  group: 'Memories',
  summary: 'Store up to 100 memories, all or none',
  details: 'With on_duplicate skip or supersede one after the other, for one may resemble the one before it.',
  access: 'write',
  input: z.strictObject({ memories: z.array(z.strictObject(draft)), on_duplicate: onDuplicate, wait }),
  inQuery: ['wait'],
  output: z.object({ results: z.array(addedShape) }),
  status: 201,
  problems: [422],
  async handle({ memory }, { memories, on_duplicate: duplicates, wait: waits }) {
    const drafts = memories.map(withStated);
    const results = await memory.add({ memories: drafts, onDuplicate: duplicates, wait: waits });
    return { results: results.map(addedData) };
  },
});

const getMemory = defineRoute({
  name: 'getMemory',
  method: 'GET',
  path: '/memory/{id}',
  group: 'Memories',
  summary: 'One memory with its older versions and conflict copies',
  details:
    'With max_tokens a long memory comes in parts: text, details (tags and metadata as JSON, where they are long), then versions. offset and length tell which part of a text it is, in UTF-16 units; next_cursor is there until the last one.',
  access: 'read',
  input: z.strictObject({
    id: z.string(),
    as_of: asOf,
    max_tokens: maxTokens('of the answer: a part of the memory where it is long'),
    cursor: text('next_cursor of the part before'),
  }),
  output: z.extend(memoryWithVersions, {
    ...{ as_of: z.optional(time), offset: z.optional(z.int()), length: z.optional(z.int()) },
    ...{ details: text(), next_cursor: text(), stale },
  }),
  problems: [404],
  async handle({ memory }, { id, as_of: then, max_tokens: asked, cursor }) {
    if (filled(then) !== undefined) return memoryThen(memory, id, then ?? '');
    const [found] = await memory.get([id]);
    if (found === undefined) throw new NotFoundError([id]);
    if (asked === undefined && filled(cursor) === undefined) return fullHistoryData(found);
    const { memories, ...rest } = partData(
      partOf([found], filled(cursor), { maxTokens: asked, form: 'json' }),
    );
    return { ...memories[0], ...rest };
  },
});

/** @throws NotFoundError when it did not exist yet, or its version of then is not kept */
async function memoryThen(memory: MemoryApi, id: string, asOf: string): Promise<Data> {
  const { time: at, memories, stale } = await memory.getAsOf([id], asOf);
  const [found] = memories;
  if (found === undefined) throw new NotFoundError([id], stale);
  return { ...memoryData(found), as_of: isoTime(at), ...(stale === undefined ? {} : { stale }) };
}

/** An empty source removes it. */
const source = z.optional(z.string().check(z.minLength(0)));
const changes = {
  text: text(),
  tags,
  add_tags: tags,
  remove_tags: tags,
  source,
  project: text('*: it holds in all'),
  metadata,
  ...statedFields,
};

const updateMemory = defineRoute({
  name: 'updateMemory',
  method: 'PATCH',
  path: '/memory/{id}',
  group: 'Memories',
  summary: 'Change a memory; the older version is kept',
  details:
    'tags replaces all tags; metadata is merged, a member that is null is removed. A field that is null stays as it is; an empty text or list empties it. Settles a conflict.',
  access: 'write',
  input: z.strictObject({ id: z.string(), ...changes }),
  output: z.extend(memoryShape, { masked: tags }),
  problems: [404, 422],
  async handle({ memory }, { id, add_tags: addTags, remove_tags: removeTags, ...same }) {
    const patch = withStated({ ...same, addTags, removeTags });
    if (Object.values(patch).every((value) => value === undefined)) {
      const names = Object.keys(changes).join(', ');
      throw new InvalidInputError('body', 'has no change', `allowed are ${names}`);
    }
    return updatedData(await memory.update({ id, ...patch }));
  },
});

const deleteMemory = defineRoute({
  name: 'deleteMemory',
  method: 'DELETE',
  path: '/memory/{id}',
  group: 'Memories',
  summary: 'Move a memory to the trash',
  access: 'write',
  input: z.strictObject({ id: z.string() }),
  output: z.object({ deleted: z.int() }),
  problems: [404],
  async handle({ memory }, { id }) {
    const { count } = await memory.delete({ ids: [id] });
    return { deleted: count };
  },
});

const restoreMemory = defineRoute({
  name: 'restoreMemory',
  method: 'POST',
  path: '/memory/{id}/restore',
  group: 'Memories',
  summary: 'Bring a memory back from the trash',
  access: 'write',
  input: z.strictObject({ id: z.string() }),
  output: memoryShape,
  problems: [404],
  async handle({ memory }, { id }) {
    const [restored] = await memory.restore([id]);
    if (restored === undefined) throw new NotFoundError([id]);
    return memoryData(restored);
  },
});

const purgeMemory = defineRoute({
  name: 'purgeMemory',
  method: 'POST',
  path: '/memory/{id}/purge',
  group: 'Memories',
  summary: 'Erase a memory with its history for good',
  access: 'write',
  input: z.strictObject({ id: z.string() }),
  output: z.object({ erased: z.int() }),
  problems: [404],
  async handle({ memory }, { id }) {
    return { erased: await memory.purge([id]) };
  },
});

const deleteBySource = defineRoute({
  name: 'deleteBySource',
  method: 'POST',
  path: '/memory/delete-by-source',
  group: 'Memories',
  summary: 'Move all memories whose source begins so to the trash',
  details: 'Without the confirm token of a dry run it is a dry run.',
  access: 'write',
  input: z.strictObject({
    source: text('beginning of the source'),
    source_pattern: text('the same, as it was called before'),
    dry_run: flag,
    confirm: text('token of the dry run'),
  }),
  output: z.object({
    dry_run: z.boolean(),
    count: z.int(),
    examples: z.array(memoryShape),
    confirm: text(),
  }),
  problems: [409],
  async handle({ memory }, { source, source_pattern: pattern, dry_run: wished, confirm: token }) {
    const prefix = filled(source) ?? filled(pattern);
    if (prefix === undefined)
      throw new InvalidInputError('source', 'is missing', 'give the beginning of the sources');
    const confirm = filled(token);
    if (wished === false && confirm === undefined)
      throw new InvalidInputError('confirm', 'is missing', 'make a dry run first and pass its token');
    const dryRun = wished === true || confirm === undefined;
    return deletedData(await memory.delete({ filter: { source: prefix }, dryRun, confirm }));
  },
});

export const memoryRoutes: readonly Route[] = [
  addMemory,
  addMemories,
  getMemory,
  updateMemory,
  deleteMemory,
  restoreMemory,
  purgeMemory,
  deleteBySource,
];
