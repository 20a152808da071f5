import type { SearchHit, SearchResponse } from '../../memory/memory-api.ts';
import type { TimeZone } from '../../util/time-zone.ts';
import { defineCommand, oneOf, value, warmUpQuietly } from '../command.ts';
import { filterOptions, parseInteger, readText, toFilterInput } from '../option-values.ts';
import { count, indent, memoryData, memoryHeading } from '../render.ts';

export const searchCommand = defineCommand({
  name: 'search',
  summary: 'find memories by meaning and by words',
  arguments: [{ name: '<query...>', doc: 'what to look for; - reads it from stdin' }],
  options: {
    limit: value('-n, --limit <count>', 'how many hits at most, 1 to 100 (default: 5)'),
    mode: oneOf('--mode <mode>', ['hybrid', 'vector', 'keyword'], 'how to search (default: hybrid)'),
    ...filterOptions,
  },
  examples: [
    ['faiss-memory search "where does staging run?"', 'ask a question'],
    ['faiss-memory search deploy --tag ops --after 30d -n 10', 'only recent memories with a tag'],
    ['faiss-memory search "ERR_CONN_42" --mode keyword', 'exact words, without loading the model'],
    ['faiss-memory search billing --json | jq -r ".hits[].memory.id"', 'use the result in a script'],
  ],
  run: async (context, { args, options }) => {
    const query = (await readText(context, args, undefined)) ?? '';
    const { mode } = options;
    const filter = toFilterInput(options);
    const limit = parseInteger('--limit', options.limit);
    const app = await context.app();
    if (mode !== 'keyword') await warmUpQuietly(app, context.signal);
    const response = await app.memory.search({ query, limit, mode, filter });
    return { data: searchData(response), text: describe(response, app.memory.timeZone) };
  },
});

function searchData({ hits, ...others }: SearchResponse): object {
  return { ...others, hits: hits.map(({ memory, ...hit }) => ({ ...hit, memory: memoryData(memory) })) };
}

function describe({ hits, note, nothingRelevant }: SearchResponse, zone: TimeZone): string {
  const blocks = hits.map((hit, index) => `${index + 1}. ${describeHit(hit, zone)}`);
  if (hits.length === 0) blocks.push('Nothing found.');
  else if (nothingRelevant) blocks.push('None of these is clearly relevant.');
  if (note !== '') blocks.push(note);
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
        : ['meaning not measurable in this language'];
  const words =
    matchedWords.length === 0 ? [] : [`${count(matchedWords.length, 'word')}: ${matchedWords.join(', ')}`];
  const why = [...meaning, ...words].join(' · ');
  return [memoryHeading(memory, zone), indent(snippet), ...(why === '' ? [] : [indent(why)])].join('\n');
}
