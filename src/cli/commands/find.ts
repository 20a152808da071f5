import {
  boundedSearchData,
  type FittingHits,
  hitsWithin,
  leftOutNote,
  listWithin,
} from '../../api/bounded-answers.ts';
import { labelOf, type Part, partData, partOf, valueOf } from '../../api/memory-parts.ts';
import { asOfData, fullHistoryData, pageData, searchNote, statsData } from '../../api/memory-answers.ts';
import { searchFromServer } from '../../app/search-from-server.ts';
import { LEAST_MAX_TOKENS, MOST_MAX_TOKENS } from '../../api/answer-size.ts';
import { UsageError } from '../../errors/input-errors.ts';
import { attributesOf } from '../../memory/attributes.ts';
import { checkInteger } from '../../memory/input.ts';
import type {
  MemoriesAsOf,
  SearchHit,
  SearchRequest,
  SearchResponse,
  Stats,
} from '../../memory/memory-api.ts';
import type { MemoryWithHistory } from '../../memory/memory.ts';
import { TimeZone } from '../../util/time-zone.ts';
import { visibleJson, visibleLine } from '../../util/visible-text.ts';
import {
  type CommandContext,
  defineCommand,
  describeBacklog,
  oneOf,
  statsWithProgress,
  toggle,
  value,
  warmUpQuietly,
} from '../command.ts';
import {
  asOfOption,
  currentProject,
  filterOptions,
  parseInteger,
  readText,
  toFilterInput,
} from '../option-values.ts';
import { byteSize, count, indent, memoryBrief, memoryHeading, table } from '../render.ts';

const maxTokensOption = value(
  '--max-tokens <count>',
  'as many as fit into so many tokens of JSON, 1000 to 20000',
);

function parseMaxTokens(given: string | undefined): number | undefined {
  const most = parseInteger('--max-tokens', given);
  return most === undefined
    ? undefined
    : checkInteger('maxTokens', most, { min: LEAST_MAX_TOKENS, max: MOST_MAX_TOKENS });
}

export const searchCommand = defineCommand({
  name: 'search',
  summary: 'find memories by meaning and by words',
  arguments: [{ name: '<query...>', doc: 'what to look for; - reads it from stdin' }],
  options: {
    limit: value('-n, --limit <count>', 'how many hits at most, 1 to 100 (default: 5)'),
    mode: oneOf('--mode <mode>', ['hybrid', 'vector', 'keyword'], 'how to search (default: hybrid)'),
    maxTokens: maxTokensOption,
    asOf: asOfOption,
    ...filterOptions,
  },
  examples: [
    ['faiss-memory search "where does staging run?"', 'ask a question'],
    ['faiss-memory search deploy --tag ops --after 30d -n 10', 'only recent memories with a tag'],
    ['faiss-memory search "what did we decide last week?"', 'prefer what is of that week'],
    ['faiss-memory search "where does staging run?" --as-of 2026-01-31', 'as it was on that day'],
    ['faiss-memory search "ERR_CONN_42" --mode keyword', 'exact words, without loading the model'],
    ['faiss-memory search billing --json | jq -r ".hits[].id"', 'use the result in a script'],
  ],
  run: async (context, { args, options }) => {
    const query = (await readText(context, args, undefined)) ?? '';
    const { mode, asOf } = options;
    const filter = toFilterInput(options);
    const limit = parseInteger('--limit', options.limit);
    const maxTokens = parseMaxTokens(options.maxTokens);
    const request = {
      ...{ query, limit, mode, filter, asOf },
      currentProject: await currentProject(context),
    };
    const { settings } = context.config();
    const response = (await searchFromServer(settings, request)) ?? (await searchHere(context, request));
    return {
      data: boundedSearchData(response, maxTokens),
      text: describeHits(hitsWithin(response, maxTokens), new TimeZone(() => settings.timeZone)),
    };
  },
});

async function searchHere(context: CommandContext, request: SearchRequest): Promise<SearchResponse> {
  const app = await context.app();
  if (request.mode !== 'keyword') await warmUpQuietly(app, context.signal);
  return app.memory.search(request);
}

function describeHits({ response, leftOut }: FittingHits, zone: TimeZone): string {
  const { hits } = response;
  const note = searchNote(response);
  const blocks = hits.map((hit, index) => `${index + 1}. ${describeHit(hit, zone)}`);
  if (note !== '') blocks.push(visibleLine(note));
  if (leftOut > 0) blocks.push(leftOutNote(leftOut, '--max-tokens'));
  if (hits.length > 0) blocks.push(`Times in ${zone.name}.`);
  return blocks.join('\n\n');
}

function describeHit(hit: SearchHit, zone: TimeZone): string {
  const { memory, snippet, similarity, vectorRank, matchedWords } = hit;
  const meaning =
    similarity !== null
      ? [`meaning ${Math.round(similarity * 100)}%`]
      : vectorRank === null
        ? []
        : [`no. ${vectorRank} by meaning`];
  const words =
    matchedWords.length === 0
      ? []
      : [`${count(matchedWords.length, 'word')}: ${matchedWords.map(visibleLine).join(', ')}`];
  const neighbours = hit.byNeighbours ? ['its neighbours match'] : [];
  const single = hit.bySingleWords ? ['single words near in meaning'] : [];
  const { occurredAt, project } = attributesOf(memory.metadata);
  const preference = [
    ...(project === null
      ? []
      : [`${hit.isOtherProject ? 'another project: ' : 'project '}${visibleLine(project)}`]),
    ...(hit.inPeriod ? ['in the period asked about'] : []),
    ...(occurredAt === null ? [] : [`of ${zone.day(occurredAt)}`]),
    ...(hit.isSuperseded ? [`replaced by ${memory.supersededBy ?? ''}`] : []),
  ];
  const why = [...meaning, ...words, ...single, ...neighbours, ...preference].join(' · ');
  return [memoryHeading(memory, zone), indent(snippet), ...(why === '' ? [] : [indent(why)])].join('\n');
}

export const listCommand = defineCommand({
  name: 'list',
  summary: 'list memories',
  arguments: [],
  options: {
    limit: value('-n, --limit <count>', 'how many at most, 1 to 1000 (default: 20)'),
    order: oneOf(
      '--order <order>',
      ['newest', 'oldest', 'updated', 'position'],
      'what comes first (default: newest, and with --session position, as it was said)',
    ),
    cursor: value('--cursor <text>', 'go on where the previous page ended'),
    maxTokens: maxTokensOption,
    trash: toggle('--trash', 'deleted memories instead, and those that another machine erased'),
    conflicts: toggle('--conflicts', 'only memories with conflict copies'),
    ...filterOptions,
  },
  examples: [
    ['faiss-memory list', 'the newest 20'],
    ['faiss-memory list --tag ops --order oldest -n 100', 'the oldest 100 with a tag'],
    ['faiss-memory list --trash', 'what restore-deleted can bring back'],
  ],
  run: async (context, { options }) => {
    const { trash, conflicts, order, cursor } = options;
    if (trash && conflicts)
      throw new UsageError('--trash and --conflicts exclude each other', 'Give one of them.');
    const which = trash ? 'trash' : conflicts ? 'conflict' : 'live';
    const filter = toFilterInput(options);
    const limit = parseInteger('--limit', options.limit);
    const { memory } = await context.app();
    const page = await listWithin(
      memory,
      { which, filter, limit, order, cursor },
      parseMaxTokens(options.maxTokens),
    );
    const { memories, total, nextCursor } = page;
    const lines = memories.map((entry) => memoryBrief(entry, memory.timeZone, context.output.columns));
    const shown = total === memories.length ? '' : `${memories.length} of `;
    const next = nextCursor === undefined ? '' : `; next page: --cursor ${nextCursor}`;
    lines.push(`${shown}${count(total, 'memory', 'memories')}; times in ${memory.timeZone.name}${next}`);
    if (page.stale !== undefined) lines.push(page.stale);
    return { data: pageData(page), text: lines.join('\n') };
  },
});

export const getCommand = defineCommand({
  name: 'get',
  summary: 'show memories in full',
  arguments: [{ name: '<id...>', doc: 'ids of memories, at most 100' }],
  options: {
    history: toggle('--history', 'with all earlier versions'),
    maxTokens: value(
      '--max-tokens <count>',
      'long memories in parts of so many tokens of JSON, 1000 to 20000',
    ),
    cursor: value('--cursor <text>', 'go on where the part before ended'),
    asOf: asOfOption,
  },
  examples: [
    ['faiss-memory get 0198c0de-0000-7000-8000-000000000001', 'one memory with its whole text'],
    ['faiss-memory get 0198c0de-0000-7000-8000-000000000001 --history', 'how it came to be'],
  ],
  run: async (context, { args, options }) => {
    const { memory } = await context.app();
    if (options.asOf !== undefined) {
      const then = await memory.getAsOf(args, options.asOf);
      return { data: asOfData(then), text: describeThen(then, memory.timeZone) };
    }
    const memories = await memory.get(args);
    const { cursor } = options;
    const maxTokens = parseMaxTokens(options.maxTokens);
    if (maxTokens !== undefined || cursor !== undefined) {
      const part = partOf(memories, cursor, { maxTokens, form: 'json' });
      return { data: partData(part), text: describePart(part, memory.timeZone) };
    }
    const blocks = memories.map((entry) => describeMemory(entry, options.history, memory.timeZone));
    const text = [...staleIn(memories), ...blocks].join('\n\n');
    return { data: { memories: memories.map(fullHistoryData) }, text };
  },
});

/** With all earlier versions, as the data has them. */
function describePart({ shown, next }: Part, zone: TimeZone): string {
  const blocks = shown.map(({ memory, stretches }) =>
    [
      `${memoryHeading(memory, zone)}  (times in ${zone.name})`,
      ...stretches.flatMap((stretch) => [
        ...[labelOf(stretch)].filter((label) => label !== '').map(indent),
        indent(stretch.name === 'details' ? visibleLine(valueOf(stretch)) : valueOf(stretch)),
      ]),
    ].join('\n'),
  );
  if (next !== undefined) blocks.push(`Not all is shown; the next part: --cursor ${next}`);
  return [...staleIn(shown.map(({ memory }) => memory)), ...blocks].join('\n\n');
}

/** The possible age of the answer, if it has any. */
function staleIn(memories: readonly MemoryWithHistory[]): string[] {
  return memories.flatMap(({ stale }) => stale ?? []).slice(0, 1);
}

function describeThen({ time, memories, absent, forgotten, stale }: MemoriesAsOf, zone: TimeZone): string {
  const shown = memories.map(
    (memory) =>
      `${memoryHeading(memory, zone)}  (as of ${zone.minute(time)}, ${zone.name})\n${indent(memory.text)}`,
  );
  const parts = [...(stale === undefined ? [] : [stale]), ...shown];
  for (const id of absent) parts.push(`${id} did not exist yet on ${zone.minute(time)}.`);
  for (const id of forgotten) parts.push(`${id}: the version of ${zone.minute(time)} is not kept.`);
  return parts.join('\n\n');
}

function describeMemory(memory: MemoryWithHistory, history: boolean, zone: TimeZone): string {
  const parts = [`${memoryHeading(memory, zone)}  (times in ${zone.name})`, indent(memory.text)];
  if (memory.hiddenAt !== undefined)
    parts.push(
      indent(`machine ${memory.dot.machine} erased it; hidden here since ${zone.minute(memory.hiddenAt)}`),
    );
  if (Object.keys(memory.metadata).length > 0)
    parts.push(indent(`metadata: ${visibleJson(memory.metadata)}`));
  if (memory.updatedAt !== memory.createdAt) parts.push(indent(`changed ${zone.minute(memory.updatedAt)}`));
  const others = memory.history.filter(({ role }) => role === 'sibling' || (history && role === 'replaced'));
  for (const { role, text, updatedAt, state } of others) {
    const name = role === 'sibling' ? 'conflict copy' : 'earlier version';
    parts.push(
      indent(`${name} of ${zone.minute(updatedAt)}${state === 'live' ? '' : ` (${state})`}:`),
      indent(indent(text)),
    );
  }
  if (!history && memory.versionCount > 1)
    parts.push(indent(`${count(memory.versionCount, 'version')}; --history shows them`));
  return parts.join('\n');
}

export const statsCommand = defineCommand({
  name: 'stats',
  summary: 'count memories, tags and sources; show the embedding model',
  arguments: [],
  options: {},
  examples: [
    ['faiss-memory stats', 'an overview'],
    ['faiss-memory stats --json | jq .content', 'equal on two machines = equal memories'],
  ],
  run: async (context) => {
    const { memory, settings } = await context.app();
    const stats = await statsWithProgress(memory, context.signal);
    return { data: statsData(stats), text: describeStats(stats, settings.dataDir, memory.timeZone) };
  },
});

function describeStats(stats: Stats, dataDir: string, zone: TimeZone): string {
  const { embedding, oldest, newest } = stats;
  const period =
    oldest === null || newest === null
      ? '–'
      : `${zone.minute(oldest)} to ${zone.minute(newest)} (${zone.name})`;
  const isOff = embedding.details['provider'] === 'none';
  const details = Object.entries(embedding.details).map(([name, detail]) => `${name} ${detail}`);
  return table([
    ['memories', `${stats.live}`],
    ['in the trash', `${stats.trash}`],
    ...(stats.hidden === 0 ? [] : [['erased elsewhere', `${stats.hidden}, kept hidden; "list --trash"`]]),
    ['conflicts', `${stats.conflicts}`],
    ...(stats.turns === 0 ? [] : [['conversations', `${stats.conversations} with ${stats.turns} turns`]]),
    ['created', period],
    ['folder', `${dataDir} (${byteSize(stats.bytes)})`],
    ['model', isOff ? 'none' : [embedding.modelId, ...details].filter((part) => part !== '').join(', ')],
    ['embeddings', describeBacklog(stats)],
    ...(isOff || embedding.problem === '' ? [] : [['model problem', embedding.problem]]),
    [
      'tags',
      stats.tags
        .slice(0, 10)
        .map(({ tag, count }) => `${tag} ${count}`)
        .join(', ') || '–',
    ],
    [
      'sources',
      stats.sources
        .slice(0, 10)
        .map(({ source, count }) => `${source || '(none)'} ${count}`)
        .join(', ') || '–',
    ],
  ]);
}
