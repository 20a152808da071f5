import * as z from 'zod/mini';
import { duplicatesData, mapData, noveltyData, pageData, statsData } from '../../api/memory-answers.ts';
import { boundedSearchData, listWithin } from '../../api/bounded-answers.ts';
import {
  asOf,
  attributeFields,
  described,
  filled,
  filterFields,
  flag,
  limit,
  maxTokens,
  tags,
  text,
  toFilter,
} from '../../api/fields.ts';
import { tidiedData, tidyUp } from '../../api/tidy.ts';
import type { SearchRequest } from '../../memory/memory-api.ts';
import { defineRoute, type Route } from '../route.ts';
import { confirmation, confirmed } from './confirmation.ts';
import { memory as memoryShape, similar, similarMemory, stale, time, turn } from './shapes.ts';

const mode = z.enum(['hybrid', 'vector', 'keyword']);
const threshold = z.optional(z.number().check(z.minimum(0), z.maximum(1)));

/** Of a search in one space or in several. */
export const searchFields = {
  query: z.string(),
  limit: limit(100, 5),
  k: limit(100, 5),
  mode: z.optional(mode),
  hybrid: flag,
  max_tokens: maxTokens('of the answer: as many hits as fit, long ones whole where there is room'),
  as_of: asOf,
  ...filterFields,
  ...attributeFields,
};
const searchInput = z.strictObject(searchFields);

/** Its hits may have further members. */
export const searchAnswer = {
  hits: z.array(
    z.looseObject({
      id: z.string(),
      text: z.string(),
      truncated: flag,
      score: z.number(),
      similarity: z.optional(z.number()),
      vector_rank: z.optional(z.int()),
      word_rank: z.optional(z.int()),
      by_neighbours: flag,
      by_single_words: flag,
      words: tags,
      tags,
      source: text(),
      created: time,
      occurred_at: z.optional(time),
      project: text(),
      other_project: flag.check(z.describe('of another project than the current one, and lower for it')),
      in_period: flag.check(z.describe('of the period that the query names, and higher for it')),
      superseded_by: text('id of the memory that replaces this one, which is lower for it'),
      ...turn,
    }),
  ),
  mode,
  note: text(),
  model_loading: flag.check(z.describe('the same search finds by meaning in a moment')),
  period: z
    .optional(z.object({ words: z.string(), from: z.optional(time), until: z.optional(time) }))
    .check(z.describe('the period that the query names; open without from or until')),
  left_out: z.optional(z.int().check(z.describe('hits that did not fit into max_tokens'))),
};

export const search = defineRoute({
  name: 'search',
  method: 'POST',
  path: '/search',
  group: 'Memories',
  summary: 'Find memories by meaning and by words',
  details:
    'Long texts come as excerpts. score orders this answer; similarity is 0 (unrelated) to 1 (the same), and absent in languages that the model does not read.',
  access: 'read',
  input: searchInput,
  output: z.object(searchAnswer),
  async handle({ memory }, input) {
    const { request, maxTokens } = readSearch(input);
    return boundedSearchData(await memory.search(request), maxTokens);
  },
});

/** The search, and how long its answer may be. */
export function readSearch(input: z.infer<typeof searchInput>): {
  readonly request: SearchRequest;
  readonly maxTokens: number | undefined;
} {
  const {
    query,
    limit: most,
    k,
    mode: wished,
    hybrid,
    max_tokens: maxTokens,
    as_of: then,
    ...filter
  } = input;
  const request = {
    query,
    limit: most ?? k,
    mode: wished ?? (hybrid === false ? 'vector' : undefined),
    filter: toFilter(filter),
    asOf: filled(then),
  };
  return { request, maxTokens };
}

const listMemories = defineRoute({
  name: 'listMemories',
  method: 'GET',
  path: '/memories',
  group: 'Memories',
  summary: 'Browse memories page by page; also the trash and conflicts',
  access: 'read',
  leadsToSearch: true,
  input: z.strictObject({
    which: z.optional(z.enum(['live', 'trash', 'conflict'])),
    order: z
      .optional(z.enum(['newest', 'oldest', 'updated', 'position']))
      .check(z.describe('position: turns as they were said, which is usual with a session')),
    limit: limit(1_000, 20),
    cursor: text('next_cursor of the page before'),
    max_tokens: maxTokens('of the answer: fewer memories than limit where they are long'),
    ...filterFields,
    ...attributeFields,
  }),
  output: z.object({
    memories: z.array(memoryShape),
    total: z.int(),
    next_cursor: text(),
    stale,
  }),
  async handle({ memory }, { which, order, limit: most, cursor, max_tokens: asked, ...filter }) {
    const request = { which, order, limit: most, cursor: filled(cursor), filter: toFilter(filter) };
    return pageData(await listWithin(memory, request, asked));
  },
});

const isNovel = defineRoute({
  name: 'isNovel',
  method: 'POST',
  path: '/memory/is-novel',
  group: 'Memories',
  summary: 'Tell whether a text says something new',
  details:
    'Not new is what a memory says in the same words, or, in a language that the model reads, in words that reach the threshold (0.88 unless given) and agree in numbers, names, negations and order. Needs the embedding model.',
  access: 'read',
  input: z.strictObject({ text: z.string(), threshold }),
  output: z.object({
    is_novel: z.boolean(),
    threshold: z.number(),
    most_similar: z.optional(similarMemory),
  }),
  problems: [422, 502, 503],
  handle: async ({ memory }, request) => noveltyData(await memory.isNovel(request)),
});

const deduplicate = defineRoute({
  name: 'deduplicate',
  method: 'POST',
  path: '/memory/deduplicate',
  group: 'Memories',
  summary: 'Find memories that say the same; with dry_run=false all but the oldest go to the trash',
  details:
    'Groups have the same words in the same order; spacing, a full stop and, in English, contractions may differ. The oldest takes over the tags and metadata of the others; another project, source or metadata value keeps memories apart. A dry run also names, as alike, memories that reach the threshold and do not say the same: they are never removed. Needs the embedding model.',
  access: 'write',
  input: z.strictObject({ threshold, dry_run: flag }),
  output: z.object({
    dry_run: z.boolean(),
    threshold: z.number(),
    compared: z.int(),
    pending: z.int().check(z.describe('memories that have no vector yet, and cannot be named as alike')),
    count: z.int(),
    groups: z.array(z.object({ keep: memoryShape, duplicates: similar })),
    alike: z.array(z.object({ memory: memoryShape, similar })),
  }),
  long: true,
  problems: [502, 503],
  async handle({ memory }, { threshold: wished, dry_run: dryRun }, { signal, onProgress }) {
    const result = await memory.deduplicate(
      { threshold: wished, dryRun },
      {
        signal,
        onProgress: ({ done, total }) => onProgress?.({ step: 'comparing memories', done, total }),
      },
    );
    return duplicatesData(result);
  },
});

const group = z.array(z.object({ keep: memoryShape, others: similar }));

const tidy = defineRoute({
  name: 'tidy',
  method: 'POST',
  path: '/memory/tidy',
  group: 'Memories',
  summary: 'Propose what to tidy up; with confirm, make a backup and do it',
  details:
    'To the trash go facts that say the same as an older one word for word, that have expired, and that say nothing (junk), and with kinds also those that no search has found (unused; searched says from when on searches were noted and how many, and null that they are too few to say: fewer than 50, or 14 days). contradictions and alike are facts that resemble each other: they are shown and never touched. undo names the backup from before: POST /restore brings all back, and POST /memory/{id}/restore one memory.',
  access: 'write',
  input: z.strictObject({
    kinds: described(
      z.optional(z.array(z.enum(['duplicates', 'expired', 'junk', 'unused']))),
      'what may go; default all but unused',
    ),
    confirm: confirmation('the token of the proposal, or true; without it nothing changes'),
  }),
  output: z.object({
    dry_run: z.boolean(),
    counts: z.object({ duplicates: z.int(), expired: z.int(), junk: z.int(), unused: z.int() }),
    compared: flag.check(z.describe('false: without a model no facts were compared')),
    duplicates: group,
    contradictions: group,
    alike: group,
    expired: z.array(memoryShape),
    junk: z.array(memoryShape),
    unused: z.array(memoryShape),
    searched: z.object({ since: text(), searches: z.int(), unused: z.nullable(z.int()) }),
    removed: z.int(),
    confirm: text(),
    undo: text('the backup from before'),
  }),
  long: true,
  problems: [409, 502, 503],
  handle: async (services, { kinds, confirm }, work) =>
    tidiedData(await tidyUp(services, { kinds, confirm: confirmed(confirm) }, work)),
});

const growth = defineRoute({
  name: 'growth',
  method: 'GET',
  path: '/stats/growth',
  group: 'Memories',
  summary: 'How many memories were added on each day',
  access: 'read',
  input: z.strictObject({
    time_zone: text("whose days, such as Europe/Berlin; default the server's setting"),
  }),
  output: z.object({
    days: z.array(z.object({ day: z.string(), added: z.int() })),
    time_zone: z.string(),
  }),
  async handle({ memory }, { time_zone: wished }) {
    const zone = filled(wished) ?? memory.timeZone.name;
    return { days: await memory.growth(zone), time_zone: zone };
  },
});

const map = defineRoute({
  name: 'map',
  method: 'GET',
  path: '/memories/map',
  group: 'Memories',
  summary: 'A picture of the memories: near each other means a similar meaning',
  details: 'x and y are from -1 to 1; the axes mean nothing. Needs the embedding model.',
  access: 'read',
  input: z.strictObject({ limit: limit(5_000, 2_000) }),
  output: z.object({
    points: z.array(
      z.object({ id: z.string(), x: z.number(), y: z.number(), text: z.string(), tags, created: time }),
    ),
    total: z.int(),
  }),
  problems: [502, 503],
  handle: async ({ memory }, request) => mapData(await memory.map(request)),
});

export const searchRoutes: readonly Route[] = [search, listMemories, isNovel, deduplicate, tidy, growth, map];

const counts = z.record(z.string(), z.int());

export const statsRoute = defineRoute({
  name: 'stats',
  method: 'GET',
  path: '/stats',
  group: 'Memories',
  summary: 'How many memories there are, with the most frequent tags and sources',
  access: 'read',
  input: z.strictObject({}),
  output: z.object({
    live: z.int(),
    trash: z.int(),
    hidden: z
      .optional(z.int())
      .check(z.describe('memories that another machine erased and that can be restored here')),
    conflicts: z.int(),
    facts: z.optional(
      z.int().check(z.describe('live memories that are no turns of conversations; absent without any')),
    ),
    conversations: z.optional(z.int()),
    turns: z.optional(z.int().check(z.describe('live memories that are turns of conversations'))),
    bytes: z.int(),
    oldest: z.optional(time),
    newest: z.optional(time),
    time_zone: z.string().check(z.describe('whose days are counted, and meant by dates in filters')),
    tags: counts,
    sources: counts,
    embedding: z.looseObject({
      model: z.string(),
      ready: z.boolean(),
      pending: z.int().check(z.describe('memories that have no embedding yet')),
      done: z.int(),
      total: z.int(),
      without_tokens: z.optional(
        z
          .int()
          .check(z.describe('memories with an embedding that wait for token vectors; absent when none do')),
      ),
      seconds_left: z.optional(
        z.int().check(z.describe('until none is pending; absent while nothing is being embedded')),
      ),
      details: z.looseObject({}).check(z.describe('about the model, such as its runtime')),
    }),
    machine: z.string(),
    state: z.string().check(z.describe('digest of memories and versions: equal on two machines = the same')),
    content: z.string().check(z.describe('digest of the live memories alone')),
  }),
  handle: async ({ memory }) => statsData(await memory.stats()),
});
