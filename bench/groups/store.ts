import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../../src/store/sqlite/engine.ts';
import {
  type FilledApp,
  filledApp,
  randomNumbers,
  randomQuery,
  randomText,
  randomUnitVector,
  VECTORS_ONLY,
} from '../lib/filled-app.ts';
import { percentile } from '../lib/metrics.ts';
import { ms, type Report, times } from '../lib/row.ts';
import { randomNote } from '../lib/sentences.ts';
import { ServerProcess } from '../lib/server-process.ts';

const median = (values: readonly number[]): number => percentile(values, 50);
const p95 = (values: readonly number[]): number => percentile(values, 95);

/** SQLite FTS5 alone on the same texts: the minimum cost of a search by words. */
function fts5Alone(texts: readonly string[]): (query: string) => void {
  const database = openDatabase(':memory:');
  database.exec("CREATE VIRTUAL TABLE doc USING fts5(text, tokenize='porter unicode61')");
  const insert = database.prepare('INSERT INTO doc VALUES (?)');
  database.exec('BEGIN');
  for (const text of texts) insert.run(text);
  database.exec('COMMIT');
  const select = database.prepare('SELECT rowid FROM doc WHERE doc MATCH ? ORDER BY bm25(doc) LIMIT 50');
  return (query) => {
    const words = query.split(' ').map((word) => `"${word}"`);
    select.all(words.join(' OR '));
  };
}

/** The candidates of a hybrid search whose query has its vector, without and with a filter. */
export async function hybridRows(
  { app, modelId }: FilledApp,
  report: Report,
  { memories, budget }: { readonly memories: number; readonly budget: number },
): Promise<void> {
  const random = randomNumbers(7);
  const query = (): string => randomQuery(random);
  const search = (filter: object) => (): Promise<unknown> =>
    app.store.candidates({
      filter,
      limit: 50,
      words: query(),
      vector: { modelId, vector: randomUnitVector(random, modelId.dimension) },
    });
  await times(5, search({}));
  const measured = await times(100, search({}));
  const filtered = await times(100, search({ tags: ['tag7'] }));
  const textRandom = randomNumbers(memories);
  const alone = fts5Alone(Array.from({ length: memories }, () => randomText(textRandom)));
  const reference = p95(
    await times(100, () => {
      alone(query());
      return Promise.resolve();
    }),
  );
  report({
    what: `hybrid search, ${memories} memories, p95`,
    measured: `${ms(p95(measured))}, ${(p95(measured) / reference).toFixed(1)} x`,
    budget: ms(budget),
    reference: `FTS5 alone: ${ms(reference)}`,
    ok: p95(measured) <= budget,
  });
  const ratio = median(filtered) / median(measured);
  report({
    what: `the same with one tag, ${memories} memories, p50`,
    measured: `${ms(median(filtered))}, ${ratio.toFixed(2)} x`,
    budget: '1.2 x',
    reference: `without a filter: ${ms(median(measured))}`,
    ok: ratio <= 1.2,
  });
}

/** Adds and deletions without a model, beside the cheapest durable write of the same disk. */
export async function writeRows({ app, dataDir }: FilledApp, report: Report): Promise<void> {
  const random = randomNumbers(11);
  const ids: string[] = [];
  const add = await times(100, async () => {
    const [outcome] = await app.store.add([{ text: randomText(random), tags: [], source: '', metadata: {} }]);
    ids.push(outcome?.memory.id ?? '');
  });
  const remove = await times(100, (round) => app.store.delete([ids[round] ?? '']));
  const commit = median(await durableCommits(dataDir, random));
  for (const [what, measured, budget] of [
    ['add', add, 10],
    ['delete', remove, 5],
  ] as const) {
    report({
      what: `${what} at 10000 memories, p95`,
      measured: `${ms(p95(measured))}, ${(median(measured) / commit).toFixed(1)} x`,
      budget: ms(budget),
      reference: `SQLite alone, one row: ${ms(commit)}`,
      ok: p95(measured) <= budget,
    });
  }
}

/** One row of text in a table of its own, synchronised with the disk. */
function durableCommits(folder: string, random: () => number): Promise<number[]> {
  const database = openDatabase(join(folder, 'one-row.sqlite'));
  database.exec('PRAGMA journal_mode = wal; PRAGMA synchronous = full; CREATE TABLE note (text TEXT)');
  const insert = database.prepare('INSERT INTO note VALUES (?)');
  return times(100, () => {
    insert.run(randomText(random));
    return Promise.resolve();
  }).finally(() => {
    database.close();
  });
}

/** Whole searches and adds, with the embedding of the text. @param addRatio what an add may take, in embeddings */
export async function modelRows(
  report: Report,
  {
    runtime,
    budget,
    addRatio,
  }: { readonly runtime: 'wasm' | 'native'; readonly budget: number; readonly addRatio: number },
): Promise<void> {
  const filled = await filledApp(10_000, { MEMORY_EMBEDDING_RUNTIME: runtime });
  await filled.app.embedder.warmUp();
  const random = randomNumbers(3);
  const question = (): string =>
    `how do we restart the ${randomQuery(random).split(' ')[0] ?? ''} server in the morning?`;
  const search = (): Promise<unknown> => filled.app.memory.search({ query: question() });
  await times(3, search);
  const measured = median(await times(40, search));
  const embedding = median(await times(20, () => filled.app.embedder.embedQuery(question())));
  const note = (): string => randomNote(random);
  const add = (): Promise<unknown> => filled.app.memory.add({ memories: [{ text: note() }] });
  const embed = (): Promise<unknown> => filled.app.embedder.embedPassage(note());
  await times(3, add);
  const added = median(await times(30, add));
  const embedded = median(await times(30, embed));
  await filled.close();
  report({
    what: `search at 10000 with embedding, ${runtime}, p50`,
    measured: `${ms(measured)}, ${(measured / embedding).toFixed(2)} x`,
    budget: ms(budget),
    reference: `embedding alone: ${ms(embedding)}`,
    ok: measured <= budget,
  });
  report({
    what: `add at 10000 with its vector, ${runtime}, p50`,
    measured: `${ms(added)}, ${(added / embedded).toFixed(2)} x`,
    budget: `${addRatio} x`,
    reference: `embedding alone: ${ms(embedded)}`,
    ok: added / embedded <= addRatio,
  });
}

/** Resident memory of a server: new, with its model, and with a large store. */
export async function memoryRows(
  report: Report,
  large: { readonly dataDir: string; readonly memories: number },
): Promise<void> {
  const wasm = { ...VECTORS_ONLY, MEMORY_EMBEDDING_RUNTIME: 'wasm' };
  const small = new ServerProcess({
    ...wasm,
    MEMORY_DATA_DIR: mkdtempSync(join(tmpdir(), 'faiss-memory-bench-')),
  });
  const search = { query: 'anything', mode: 'vector' };
  await small.initialize();
  const before = small.rss;
  await small.call('memory_add', { memories: [{ text: 'one memory, so that there is something to find' }] });
  await small.call('memory_search', search);
  const loaded = small.rss;
  await small.end();
  const server = new ServerProcess({ ...wasm, MEMORY_DATA_DIR: large.dataDir });
  await server.initialize();
  await server.call('memory_search', search);
  const more = server.rss - loaded;
  await server.end();
  const row = (what: string, [measured, budget]: readonly [number, number], reference: string): void => {
    const sign = what.includes(' for ') ? '+ ' : '';
    report({
      what,
      measured: `${sign}${measured.toFixed(0)} MB`,
      budget: `${sign}${budget} MB`,
      reference,
      ok: measured <= budget,
    });
  };
  row('resident memory before first use', [before, 120], '');
  row('resident memory with model (WASM)', [loaded, 500], 'weights of the model: 34 MB');
  const bytes = (large.memories * 388) / 1e6;
  row(
    `resident memory for ${large.memories} memories`,
    [more, 250],
    `vectors of 8 bits: ${bytes.toFixed(0)} MB`,
  );
}
