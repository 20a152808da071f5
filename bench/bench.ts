// Measures times and sizes, with a reference in the same run, against the budgets in docs/architecture.md:
//   npm run bench -- [--quick | --long]        prints a table and writes bench/results/bench.json
// With --long, the memory of the HTTP server is measured for ten minutes instead of one.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../src/store/sqlite/engine.ts';
import { encode as countable } from 'gpt-tokenizer/encoding/o200k_base';
import {
  filledApp,
  type FilledApp,
  randomNumbers,
  randomQuery,
  randomText,
  randomUnitVector,
} from './lib/filled-app.ts';
import { httpRows } from './lib/http-rows.ts';
import { percentile } from './lib/metrics.ts';
import type { Row } from './lib/row.ts';
import { bareNode, ServerProcess } from './lib/server-process.ts';
import { syncRows } from './lib/sync-rows.ts';

const quick = process.argv.includes('--quick');
const long = process.argv.includes('--long');
const rows: Row[] = [];

function report(row: Row): void {
  rows.push(row);
  console.error(
    `${row.ok ? 'ok  ' : 'OVER'} ${row.what}: ${row.measured} (budget ${row.budget}; reference ${row.reference})`,
  );
}

async function times(count: number, action: (round: number) => Promise<unknown>): Promise<number[]> {
  const measured: number[] = [];
  for (let round = 0; round < count; round += 1) {
    const start = performance.now();
    await action(round);
    measured.push(performance.now() - start);
  }
  return measured;
}

const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const p50 = (values: readonly number[]): number => percentile(values, 50);
const p95 = (values: readonly number[]): number => percentile(values, 95);
const newFolder = (): string => mkdtempSync(join(tmpdir(), 'faiss-memory-bench-'));

async function start(): Promise<void> {
  const [server, bare, afterStart, exit]: number[][] = [[], [], [], []];
  const dataDir = newFolder();
  for (let round = 0; round < (quick ? 5 : 15); round += 1) {
    const began = performance.now();
    const process = new ServerProcess(dataDir);
    await process.initialize();
    server?.push(performance.now() - began);
    const [search = NaN] = await times(1, () =>
      process.call('memory_search', { query: 'anything', mode: 'keyword' }),
    );
    afterStart?.push(search);
    exit?.push(await process.end());
    bare?.push(await bareNode());
  }
  const ratio = p50(server ?? []) / p50(bare ?? []);
  report({
    what: 'spawn to initialize answered',
    measured: `${ms(p50(server ?? []))}, ${ratio.toFixed(1)} x`,
    budget: '2 x',
    reference: `node -e 0: ${ms(p50(bare ?? []))}`,
    ok: ratio <= 2,
  });
  report({
    what: 'keyword search right after start',
    measured: ms(p50(afterStart ?? [])),
    budget: '300 ms',
    reference: '',
    ok: p50(afterStart ?? []) <= 300,
  });
  report({
    what: 'exit after end of stdin',
    measured: ms(p50(exit ?? [])),
    budget: '100 ms',
    reference: '',
    ok: p50(exit ?? []) <= 100,
  });
}

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

async function hybrid(filled: FilledApp, memories: number, budget: number): Promise<void> {
  const random = randomNumbers(7);
  const { app, modelId } = filled;
  const query = (): string => randomQuery(random);
  const search = (): Promise<unknown> =>
    app.store.candidates({
      filter: {},
      limit: 50,
      words: query(),
      vector: { modelId, vector: randomUnitVector(random, modelId.dimension) },
    });
  await times(3, search);
  const measured = p95(await times(100, search));
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
    measured: `${ms(measured)}, ${(measured / reference).toFixed(1)} x`,
    budget: ms(budget),
    reference: `FTS5 alone: ${ms(reference)}`,
    ok: measured <= budget,
  });
}

async function writes({ app }: FilledApp): Promise<void> {
  const random = randomNumbers(11);
  const ids: string[] = [];
  const add = await times(100, async () => {
    const [outcome] = await app.store.add([{ text: randomText(random), tags: [], source: '', metadata: {} }]);
    ids.push(outcome?.memory.id ?? '');
  });
  const remove = await times(100, (round) => app.store.delete([ids[round] ?? '']));
  report({
    what: 'add at 10000 memories, p95',
    measured: ms(p95(add)),
    budget: '10 ms',
    reference: 'Python original: 283 ms',
    ok: p95(add) <= 10,
  });
  report({
    what: 'delete at 10000 memories, p95',
    measured: ms(p95(remove)),
    budget: '5 ms',
    reference: 'Python original: 595 ms',
    ok: p95(remove) <= 5,
  });
}

async function withModel(runtime: 'wasm' | 'native', budget: number): Promise<void> {
  const filled = await filledApp(10_000, { MEMORY_EMBEDDING_RUNTIME: runtime });
  await filled.app.embedder.warmUp();
  const random = randomNumbers(3);
  const question = (): string =>
    `how do we restart the ${randomQuery(random).split(' ')[0] ?? ''} server in the morning?`;
  const search = (): Promise<unknown> => filled.app.memory.search({ query: question() });
  await times(3, search);
  const measured = p50(await times(40, search));
  const embedding = p50(await times(20, () => filled.app.embedder.embedQuery(question())));
  await filled.close();
  report({
    what: `search at 10000 with embedding, ${runtime}, p50`,
    measured: ms(measured),
    budget: ms(budget),
    reference: `embedding alone: ${ms(embedding)}`,
    ok: measured <= budget,
  });
}

async function memory(large: FilledApp): Promise<void> {
  const small = new ServerProcess(newFolder(), { MEMORY_EMBEDDING_RUNTIME: 'wasm' });
  await small.initialize();
  const before = small.rss;
  report({
    what: 'resident memory before first use',
    measured: `${before.toFixed(0)} MB`,
    budget: '120 MB',
    reference: '',
    ok: before <= 120,
  });
  await small.call('memory_search', { query: 'anything', mode: 'vector' });
  const loaded = small.rss;
  report({
    what: 'resident memory with model (WASM)',
    measured: `${loaded.toFixed(0)} MB`,
    budget: '500 MB',
    reference: '',
    ok: loaded <= 500,
  });
  await small.end();
  const server = new ServerProcess(large.dataDir, { MEMORY_EMBEDDING_RUNTIME: 'wasm' });
  await server.initialize();
  await server.call('memory_search', { query: 'anything', mode: 'vector' });
  const more = server.rss - loaded;
  report({
    what: 'resident memory for 100000 memories',
    measured: `+ ${more.toFixed(0)} MB`,
    budget: '+ 250 MB',
    reference: 'vectors as floats: 154 MB',
    ok: more <= 250,
  });
  await server.end();
}

async function tokens(): Promise<void> {
  const server = new ServerProcess(newFolder());
  await server.initialize();
  const { tools } = (await server.request('tools/list', {})) as { tools: unknown };
  const list = countable(JSON.stringify(tools)).length;
  const fact =
    'The billing service keeps its invoices in PostgreSQL and mirrors them every night at half past one into a schema that only the finance team may read, because the auditors asked for a copy that nobody can change after the fact and that is kept for ten years.';
  await server.call('memory_add', {
    memories: Array.from({ length: 8 }, (_, index) => ({ text: `${fact} (${index})`, tags: ['billing'] })),
  });
  const hits = (await server.call('memory_search', { query: 'where are invoices kept', limit: 5 })) as {
    content: { text: string }[];
  };
  const five = countable(hits.content[0]?.text ?? '').length;
  await server.end();
  report({
    what: 'tools/list, tokens (o200k)',
    measured: String(list),
    budget: '2600',
    reference: 'ten other servers: 188-9672',
    ok: list <= 2_600,
  });
  report({
    what: 'five hits, tokens (o200k)',
    measured: String(five),
    budget: '500',
    reference: 'other servers: 376-824',
    ok: five <= 500,
  });
}

await start();
await tokens();
const small = await filledApp(10_000);
await hybrid(small, 10_000, 10);
await writes(small);
await httpRows(small.dataDir, report, { flatSeconds: long ? 600 : quick ? 20 : 60 });
await small.close();
await withModel('wasm', 30);
await withModel('native', 12);
if (!quick) {
  const large = await filledApp(100_000);
  await hybrid(large, 100_000, 50);
  await memory(large);
  await large.close();
}
await syncRows(quick ? 10_000 : 100_000, report);
console.table(rows);
mkdirSync('bench/results', { recursive: true });
writeFileSync('bench/results/bench.json', `${JSON.stringify(rows, null, 2)}\n`);
