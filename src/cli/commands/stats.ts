import type { Stats } from '../../memory/memory-api.ts';
import type { TimeZone } from '../../util/time-zone.ts';
import { defineCommand, describeBacklog, statsWithProgress } from '../command.ts';
import { byteSize, table } from '../render.ts';

export const statsCommand = defineCommand({
  name: 'stats',
  summary: 'count memories, tags and sources; show the embedding model',
  arguments: [],
  options: {},
  examples: [
    ['faiss-memory stats', 'an overview'],
    ['faiss-memory stats --json | jq .contentDigest', 'equal on two machines = equal memories'],
  ],
  run: async (context) => {
    const { memory, settings } = await context.app();
    const stats = await statsWithProgress(memory, context.signal);
    const { oldest, newest, ...others } = stats;
    const data = { dataDir: settings.dataDir, ...others, oldest: isoTime(oldest), newest: isoTime(newest) };
    return { data, text: describe(stats, settings.dataDir, memory.timeZone) };
  },
});

function isoTime(milliseconds: number | null): string | null {
  return milliseconds === null ? null : new Date(milliseconds).toISOString();
}

function describe(stats: Stats, dataDir: string, zone: TimeZone): string {
  const { embedding, oldest, newest } = stats;
  const period =
    oldest === null || newest === null
      ? '–'
      : `${zone.minute(oldest)} to ${zone.minute(newest)} (${zone.name})`;
  const details = Object.entries(embedding.details).map(([name, detail]) => `${name} ${detail}`);
  return table([
    ['memories', `${stats.live}`],
    ['in the trash', `${stats.trash}`],
    ['conflicts', `${stats.conflicts}`],
    ['created', period],
    ['folder', `${dataDir} (${byteSize(stats.bytes)})`],
    ['model', embedding.modelId === '' ? 'none' : [embedding.modelId, ...details].join(', ')],
    ['embeddings', describeBacklog(stats)],
    ...(embedding.problem === '' ? [] : [['model problem', embedding.problem]]),
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
