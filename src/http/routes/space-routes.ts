import * as z from 'zod/mini';
import { boundedSearchData } from '../../api/bounded-answers.ts';
import { described, flag } from '../../api/fields.ts';
import type { Services } from '../../api/services.ts';
import { InvalidInputError } from '../../errors/input-errors.ts';
import { NotAllowedError } from '../../errors/people-errors.ts';
import { copyMemories } from '../../memory/copy-memories.ts';
import type { SearchResponse } from '../../memory/memory-api.ts';
import { mergeAnswers, type SourceAnswer } from '../../memory/merged-search.ts';
import { defineRoute, type Route } from '../route.ts';
import { search, searchAnswer, searchFields, readSearch } from './search-routes.ts';
import type { TeamCall } from './team-routes.ts';

/** Each space is searched for itself, at the same time. */
const MOST_SPACES = 20;
const MOST_COPIED = 1_000;
const USUAL_LIMIT = 5;

/** Takes the place of the search of a server without spaces. */
const searchSpaces = defineRoute({
  name: 'search',
  method: 'POST',
  path: '/search',
  group: 'Memories',
  summary: 'Find memories by meaning and by words, also in several spaces at once',
  details: `${search.details ?? ''} With spaces each hit has its space.`,
  access: 'read',
  input: z.strictObject({
    ...searchFields,
    spaces: described(z.optional(z.array(z.string())), 'ids; absent = the own one'),
  }),
  output: z.object(searchAnswer),
  problems: [404],
  async handle({ find }: TeamCall, { spaces, ...input }) {
    const { request, maxTokens } = readSearch(input);
    if (spaces === undefined) {
      return boundedSearchData(await (await memoryOf(find, undefined)).search(request), maxTokens);
    }
    const unique = [...new Set(spaces)];
    if (unique.length === 0 || unique.length > MOST_SPACES) {
      throw new InvalidInputError('spaces', `has ${unique.length} spaces`, `allowed are 1 to ${MOST_SPACES}`);
    }
    // All of them are allowed before one is searched.
    const memories = await Promise.all(unique.map((space) => memoryOf(find, space)));
    const answers = await Promise.all(
      memories.map(async (memory, index) => ({
        source: unique[index] ?? '',
        response: await memory.search(request),
      })),
    );
    const hits = mergeAnswers(answers, request.limit ?? USUAL_LIMIT);
    const places = new Map(hits.map(({ memory, source }) => [memory.id, source]));
    const data = boundedSearchData(combined(answers, hits), maxTokens);
    const shown = data['hits'] as readonly { readonly id: string }[];
    return { ...data, hits: shown.map((hit) => ({ ...hit, space: places.get(hit.id) })) };
  },
});

const copy = defineRoute({
  name: 'copyMemories',
  method: 'POST',
  path: '/spaces/{space}/copy',
  group: 'Team',
  summary: 'Copy or move memories from this space to another one',
  details:
    'A copy has the text, tags, source, metadata and times, a new id, and no history. move needs the role writer in both spaces: each original moves to the trash after its copy is stored.',
  access: 'read',
  input: z.strictObject({
    space: z.string(),
    ids: z.array(z.string()),
    to: described(z.string(), 'id of the other space'),
    move: flag,
  }),
  output: z.object({
    copied: z.array(z.object({ id: z.string(), copy: z.string(), existed: flag })),
    left: z.array(z.object({ id: z.string(), reason: z.string() })),
    moved: z.int(),
  }),
  long: true,
  problems: [404, 507],
  async handle({ find }: TeamCall, { space, ids, to, move = false }) {
    if (ids.length === 0 || ids.length > MOST_COPIED) {
      throw new InvalidInputError('ids', `has ${ids.length} entries`, `allowed are 1 to ${MOST_COPIED}`);
    }
    if (space === to) throw new InvalidInputError('to', 'is the same space', 'allowed is another one');
    const [source, target] = await Promise.all([find(space), find(to)]);
    if (target.access !== 'write') throw mayOnlyRead(to);
    if (move && source.access !== 'write') throw mayOnlyRead(space);
    const [from, into] = await Promise.all([source.parts.open(), target.parts.open()]);
    const report = await copyMemories({ from: from.memory, to: into.memory, ids, move });
    return {
      copied: report.copied.map(({ id, copy: made, existed }) => ({
        id,
        copy: made,
        ...(existed ? { existed } : {}),
      })),
      left: report.left,
      moved: report.moved,
    };
  },
});

/** About the memories of several spaces. */
export const spaceRoutes: readonly Route<TeamCall>[] = [searchSpaces, copy];

function mayOnlyRead(space: string): NotAllowedError {
  return new NotAllowedError(`You may only read in the space ${space}`, 'Ask an owner of the space.');
}

async function memoryOf(find: TeamCall['find'], space: string | undefined): Promise<Services['memory']> {
  const { parts } = await find(space);
  return (await parts.open()).memory;
}

/** By words only when one of them is, for their scores are not those of a search by meaning. */
function combined(answers: readonly SourceAnswer[], hits: SearchResponse['hits']): SearchResponse {
  const responses = answers.map(({ response }) => response);
  const period = responses.find((response) => response.period !== undefined)?.period;
  return {
    hits,
    mode: responses.some(({ mode }) => mode === 'keyword') ? 'keyword' : (responses[0]?.mode ?? 'hybrid'),
    note: [...new Set(responses.map(({ note }) => note).filter((note) => note !== ''))].join(' '),
    weak: responses.every(({ weak }) => weak),
    bestTokenMatch: null,
    ...(period === undefined ? {} : { period }),
    ...(responses.some(({ modelLoading }) => modelLoading === true) ? { modelLoading: true } : {}),
  };
}
