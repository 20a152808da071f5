import { createApp, resolveConfig, type App } from 'faiss-memory';
import {
  type FilledApp,
  randomNumbers,
  randomQuery,
  randomText,
  randomUnitVector,
  VECTORS_ONLY,
} from '../lib/filled-app.ts';
import { percentile } from '../lib/metrics.ts';
import { ms, type Report, times } from '../lib/row.ts';

/** How the time of an operation grows: time ~ memories^exponent. 0 = flat, 1 = linear. */
export interface Slope {
  readonly operation: string;
  /** Median milliseconds by number of memories, smallest store first. */
  readonly points: readonly (readonly [memories: number, milliseconds: number])[];
  readonly exponent: number;
}

/**
 * Greatest exponent: what reads a part of a fixed size is flat, and a scan grows with the store. Updates and deletions
 * look for words in segments of the full-text index, whose number grows with the logarithm of what was written since they
 * were merged: once an hour in a server, and here after the fill.
 */
const LIMITS: Readonly<Record<string, number>> = {
  add: 0.15,
  update: 0.15,
  delete: 0.15,
  'purge of one': 0.15,
  get: 0.15,
  'list of the newest 20': 0.15,
  stats: 0.15,
  'search by three words that occur': 1,
  'candidates by words and vector': 1,
  'the same with one tag': 1,
  'first search by vector of a process': 1,
};
const ROUNDS = 25;

/** Medians of the operations on stores of growing size, for their slopes. */
export class Growth {
  readonly #points = new Map<string, [number, number][]>();

  /** Leaves the store with as many live memories as before. */
  async measure(filled: FilledApp, memories: number): Promise<void> {
    for (const [operation, milliseconds] of await medians(filled)) {
      const points = this.#points.get(operation) ?? [];
      points.push([memories, milliseconds]);
      this.#points.set(operation, points);
    }
  }

  get slopes(): Slope[] {
    return [...this.#points].map(([operation, points]) => ({
      operation,
      points,
      exponent: exponentOf(points),
    }));
  }

  report(report: Report): void {
    for (const { operation, points, exponent } of this.slopes) {
      const limit = LIMITS[operation] ?? 1;
      report({
        what: `growth of: ${operation}`,
        measured: `${points.map(([, time]) => ms(time)).join(', ')}; exponent ${exponent.toFixed(2)}`,
        budget: `exponent ${limit}`,
        reference: `at ${points.map(([memories]) => memories).join(', ')} memories`,
        ok: exponent <= limit,
      });
    }
  }
}

/** Least squares on the logarithms. */
export function exponentOf(points: readonly (readonly [number, number])[]): number {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const);
  const meanX = logs.reduce((sum, [x]) => sum + x, 0) / logs.length;
  const meanY = logs.reduce((sum, [, y]) => sum + y, 0) / logs.length;
  const covariance = logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const variance = logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return variance === 0 ? 0 : covariance / variance;
}

async function medians(filled: FilledApp): Promise<[string, number][]> {
  const { app, modelId } = filled;
  const random = randomNumbers(23);
  const median = async (action: (round: number) => Promise<unknown>): Promise<number> => {
    await action(-1);
    return percentile(await times(ROUNDS, action), 50);
  };
  const ids: string[] = [];
  const draft = (): { text: string; tags: []; source: ''; metadata: object } => ({
    text: randomText(random),
    tags: [],
    source: '',
    metadata: {},
  });
  const id = (round: number): string => ids[round + 1] ?? '';
  const add = await median(async () => {
    const [outcome] = await app.store.add([{ ...draft(), metadata: {} }]);
    ids.push(outcome?.memory.id ?? '');
  });
  const update = await median((round) => app.store.update(id(round), { text: randomText(random) }));
  const get = await median((round) => app.memory.get([id(round)]));
  const remove = await median((round) => app.store.delete([id(round)]));
  const purge = await median((round) => app.store.purge([id(round)]));
  const list = await median(() => app.memory.list({ limit: 20 }));
  const stats = await median(() => app.memory.stats());
  const words = await wordsThatOccur(app);
  const byWords = await median((round) =>
    app.memory.search({ query: words[(round + 1) % words.length] ?? '', mode: 'keyword' }),
  );
  const candidates = (filter: object) => () =>
    app.store.candidates({
      filter,
      limit: 50,
      words: randomQuery(random),
      vector: { modelId, vector: randomUnitVector(random, modelId.dimension) },
    });
  return [
    ['add', add],
    ['update', update],
    ['delete', remove],
    ['purge of one', purge],
    ['get', get],
    ['list of the newest 20', list],
    ['stats', stats],
    ['search by three words that occur', byWords],
    ['candidates by words and vector', await median(candidates({}))],
    ['the same with one tag', await median(candidates({ tags: ['tag7'] }))],
    ['first search by vector of a process', await firstSearch(filled)],
  ];
}

/** Three words each, all from one memory. */
async function wordsThatOccur(app: App): Promise<string[]> {
  const { memories } = await app.memory.list({ limit: 50 });
  return memories.map(({ text }) => {
    const words = [...new Set(text.split(' '))];
    return [words[3], words[11], words[19]].join(' ');
  });
}

/** In threads of its own, which open the file and load all vectors. */
async function firstSearch({ dataDir, modelId }: FilledApp): Promise<number> {
  const machine = { platform: process.platform, homeDirectory: dataDir, workingDirectory: process.cwd() };
  const { settings } = resolveConfig({ ...machine, env: { ...VECTORS_ONLY, MEMORY_DATA_DIR: dataDir } });
  const random = randomNumbers(5);
  const first = async (): Promise<number> => {
    const app = await createApp(settings);
    const vector = { modelId, vector: randomUnitVector(random, modelId.dimension) };
    const [time = NaN] = await times(1, () => app.store.candidates({ filter: {}, limit: 50, vector }));
    await app.close();
    return time;
  };
  return percentile([await first(), await first(), await first()], 50);
}
