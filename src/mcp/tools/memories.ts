import * as z from 'zod/mini';
import {
  briefAddedData,
  asOfData,
  briefStatsData,
  datedHitData,
  deletedData,
  given,
  periodData,
  searchNote,
  similarData,
} from '../../api/memory-answers.ts';
import {
  filled,
  filterFields,
  filterFieldsInBrief,
  flag,
  kind,
  limit,
  maxTokens,
  memoryShape,
  metadata,
  tags,
  text,
  texts,
  toFilter,
  withoutEmptyProject,
  withStated,
} from '../../api/fields.ts';
import { InvalidInputError, NotFoundError } from '../../errors/input-errors.ts';
import type { AddResult, SearchHit, UpdateInput } from '../../memory/memory-api.ts';
import type { Memory } from '../../memory/memory.ts';
import type { Metadata } from '../../memory/version.ts';
import {
  costOf,
  countFitting,
  fillWithHits,
  HALF_TOKENS,
  halfOf,
  tokensOf,
  USUAL_TOKENS,
} from '../../api/answer-size.ts';
import { partData, partOf } from '../../api/memory-parts.ts';
import { leanData, listedData, renderPart } from '../shown-memories.ts';
import {
  lines,
  renderAdded,
  renderAsOf,
  renderBeginning,
  renderDeleted,
  renderHit,
  renderPage,
  renderRestored,
  renderSearch,
  renderUpdated,
} from '../render.ts';
import { defineTool } from '../tool.ts';

/** In brief: descriptions cost an agent tokens. */
const stated = {
  occurred_at: text('date, time or age'),
  expires: text(),
  pinned: flag,
  supersedes: text('id'),
};
const statedInBrief = { occurred_at: text(), expires: text(), pinned: flag };

const about = { tags, source: text(), project: text(), metadata };

export const memoryAdd = defineTool({
  name: 'memory_add',
  title: 'Remember',
  description:
    'Store what will matter later: preferences, decisions and why, facts. One fact per memory, clear on its own, no secrets. Give text, or memories for many. An exact duplicate returns the existing id, which takes over new tags and metadata; a near-duplicate is stored and reported. on_duplicate, for the same statement in the same words: skip, supersede or add; other numbers or names are never replaced.',
  intent: 'add',
  input: z.strictObject({
    text: text(),
    ...about,
    source: text('person or URL'),
    project: text('* = all'),
    ...stated,
    memories: z.optional(z.array(z.strictObject({ text: z.string(), ...about }))),
    on_duplicate: z.optional(z.enum(['add', 'skip', 'supersede'])),
  }),
  output: z.object({
    results: z.array(
      z.looseObject({ id: z.string(), outcome: z.string(), similar: z.optional(z.array(memoryShape)) }),
    ),
  }),
  async handle({ memory }, { text: single = '', memories = [], on_duplicate: onDuplicate, ...rest }, call) {
    if ((single === '') === (memories.length === 0)) {
      const problem = single === '' ? 'is missing' : 'and memories are both given';
      throw new InvalidInputError('text', problem, 'give text for one memory, or memories for many');
    }
    const given = single === '' ? memories : [{ ...withStated(rest), text: single }];
    const inputs = given.map((one) => ({ ...one, metadata: withoutEmptyProject(one.metadata) }));
    const results = withinAnswer(
      await memory.add({ memories: inputs, onDuplicate, currentProject: await call.project() }),
    );
    return { data: { results: results.map(briefAddedData) }, text: results.map(renderAdded).join('\n') };
  },
});

/** The memories that resemble the last of many new ones are left out where they would make the answer too long. */
function withinAnswer(results: readonly AddResult[]): AddResult[] {
  const bare = results.map((result) => ({ ...result, similar: [] }));
  let left = HALF_TOKENS - tokensOf(JSON.stringify(bare.map(briefAddedData)));
  return results.map((result, index) => {
    left -= tokensOf(JSON.stringify(result.similar.map(similarData)));
    return left > 0 ? result : (bare[index] ?? result);
  });
}

export const memorySearch = defineTool({
  name: 'memory_search',
  title: 'Search memories',
  description:
    'Find memories by meaning and words, whenever an answer may depend on earlier conversations, and before adding. Long texts come as excerpts. similarity: 0 unrelated, 1 the same; absent in languages the model does not read. mode keyword: exact words.',
  intent: 'read',
  input: z.strictObject({
    query: z.string(),
    limit: limit(100, 5),
    offset: z.optional(z.int().check(z.minimum(0), z.maximum(99))),
    mode: z.optional(z.enum(['hybrid', 'vector', 'keyword'])),
    max_tokens: maxTokens(),
    as_of: text('as known then'),
    ...filterFields,
    kind,
  }),
  output: z.object({
    hits: z.array(z.extend(memoryShape, { score: z.number(), created: z.string() })),
    time_zone: z.optional(z.string()),
    mode: z.string(),
    note: z.optional(z.string()),
    next_offset: z.optional(z.int()),
  }),
  async handle({ memory }, { query, limit: most, offset = 0, mode, max_tokens: asked, ...conditions }, call) {
    const { as_of: then, ...filter } = conditions;
    const found = await memory.search({
      ...{ query, limit: most, mode, filter: toFilter(filter), asOf: filled(then) },
      currentProject: await call.project(),
    });
    const zone = memory.timeZone;
    const rest = found.hits.slice(offset);
    const views = new Map<SearchHit, { readonly text: string; readonly data: object }>();
    const viewOf = (hit: SearchHit) => {
      const view = views.get(hit) ?? { text: renderHit(hit, zone), data: leanData(datedHitData(hit, zone)) };
      views.set(hit, view);
      return view;
    };
    const cost = (hit: SearchHit): number => costOf(viewOf(hit).text, viewOf(hit).data);
    const shown =
      asked === undefined ? rest.slice(0, countFitting(rest, cost)) : fillWithHits(rest, cost, halfOf(asked));
    const next = offset + shown.length;
    const more =
      next < found.hits.length
        ? `Shown are hits ${offset + 1} to ${next} of ${found.hits.length}, so that the answer stays short; the others with the same arguments and offset ${next}.`
        : '';
    const note = lines(searchNote(found), more);
    const data = {
      hits: shown.map((hit) => viewOf(hit).data),
      ...(shown.length === 0 ? {} : { time_zone: zone.name }),
      mode: found.mode,
      ...periodData(found),
      ...given('note', note),
      ...(more === '' ? {} : { next_offset: next }),
    };
    return {
      data,
      text: renderSearch(
        shown.map((hit) => viewOf(hit).text),
        note,
        zone,
      ),
      maxTokens: asked,
    };
  },
});

export const memoryGet = defineTool({
  name: 'memory_get',
  title: 'Get memories',
  description: 'Memories by id: whole text, metadata, older versions, conflict copies; in parts when long.',
  intent: 'read',
  input: z.strictObject({
    ids: texts,
    as_of: text(),
    cursor: text(),
    max_tokens: maxTokens(),
  }),
  output: z.object({ memories: z.array(memoryShape), next_cursor: text() }),
  async handle({ memory }, { ids, as_of: then, cursor, max_tokens: asked }) {
    const asOf = filled(then);
    if (asOf !== undefined) {
      const found = await memory.getAsOf(ids, asOf);
      return { data: asOfData(found), text: renderAsOf(found, memory.timeZone), maxTokens: asked };
    }
    const part = partOf(await memory.get(ids), cursor, { maxTokens: asked });
    // A text is read in parts, so nothing may be cut off one, even if names take more than was asked for.
    const most = Math.max(USUAL_TOKENS, asked ?? 0);
    return { data: partData(part), text: renderPart(part, memory.timeZone), maxTokens: most };
  },
});

export const memoryList = defineTool({
  name: 'memory_list',
  title: 'List memories',
  description: 'Browse by filter (as in memory_search); a session in order; trash; conflicts.',
  intent: 'read',
  input: z.strictObject({
    which: z.optional(z.enum(['live', 'trash', 'conflict'])),
    order: z.optional(z.enum(['newest', 'oldest', 'updated'])),
    limit: limit(1_000, 20),
    cursor: text(),
    max_tokens: maxTokens(),
    ...filterFieldsInBrief,
    kind,
    session: text(),
  }),
  output: z.object({
    memories: z.array(memoryShape),
    total: z.int(),
    next_cursor: z.optional(z.string()),
  }),
  async handle({ memory }, { which, order, limit: most, cursor, max_tokens: asked, ...filter }) {
    const request = { which, order, cursor, filter: toFilter(filter) };
    const all = await memory.list({ ...request, limit: most });
    const zone = memory.timeZone;
    const cost = (item: Memory): number => costOf(renderBeginning(item, zone), listedData(item));
    const fitting = countFitting(all.memories, cost, halfOf(asked));
    const isShort = fitting < all.memories.length;
    // Asked once more, for the cursor behind the last one that fits.
    const page = isShort ? await memory.list({ ...request, limit: fitting }) : all;
    return {
      data: {
        memories: page.memories.map(listedData),
        total: page.total,
        ...(page.nextCursor === undefined ? {} : { next_cursor: page.nextCursor }),
      },
      text: renderPage(page, { which, zone, isShort }),
      maxTokens: asked,
    };
  },
});

const changes = {
  text: text(),
  tags,
  add_tags: tags,
  remove_tags: tags,
  source: text(),
  metadata,
  ...statedInBrief,
};

export const memoryUpdate = defineTool({
  name: 'memory_update',
  title: 'Update a memory',
  description:
    'Correct or complete a memory; older versions are kept. tags replaces all tags; metadata is merged, null removes a member. restore: true, alone, brings it back from the trash.',
  intent: 'change',
  input: z.strictObject({ id: z.string(), ...changes, restore: flag }),
  output: z.object({ memory: memoryShape, masked: tags }),
  async handle({ memory }, { id, restore, ...wanted }) {
    const patch = patchOf(wanted);
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

interface Changes {
  readonly text?: string | undefined;
  readonly tags?: string[] | undefined;
  readonly add_tags?: string[] | undefined;
  readonly remove_tags?: string[] | undefined;
  readonly source?: string | undefined;
  readonly metadata?: Metadata | undefined;
  readonly occurred_at?: string | undefined;
  readonly expires?: string | undefined;
  readonly pinned?: boolean | undefined;
  readonly supersedes?: string | undefined;
}

/**
 * The wanted changes. A model that must fill every field writes empty lists where it has nothing to say: three of them
 * take no tag away, only `tags: []` without the other two does.
 */
function patchOf({ add_tags: addTags, remove_tags: removeTags, ...given }: Changes): Omit<UpdateInput, 'id'> {
  const rest = withStated(given);
  const isForm = [addTags, removeTags].some((list) => list?.length === 0);
  const newTags = isForm && rest.tags?.length === 0 ? undefined : rest.tags;
  return { ...rest, tags: newTags, metadata: withoutEmptyProject(rest.metadata, ['']), addTags, removeTags };
}

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
    return { data: deletedData(result, ({ id }) => id), text: renderDeleted(result, memory.timeZone) };
  },
});

export const memoryStats = defineTool({
  name: 'memory_stats',
  title: 'Memory statistics',
  description: 'Counts, frequent tags and sources, state of the search.',
  intent: 'read',
  input: z.strictObject({ limit: limit(100, 15) }),
  output: z.looseObject({ live: z.int(), trash: z.int(), conflicts: z.int() }),
  async handle({ memory }, { limit: facets }) {
    const data = briefStatsData(await memory.stats(), facets);
    return { data, text: JSON.stringify(data) };
  },
});
