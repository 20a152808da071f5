// Measures a space in PostgreSQL against the same store on SQLite, interleaved in one run:
//   node scripts/run-ts.mjs bench/team.ts [memories]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quantize, encodeVector } from '../src/embedding/quantization.ts';
import { PostgresLog } from '../src/store/postgres/postgres-log.ts';
import { SqliteMemoryStore } from '../src/store/sqlite/sqlite-memory-store.ts';
import { createVectorIndex } from '../src/vector/create-vector-index.ts';
import { findPostgres, PostgresServer } from '../tests/helpers/servers/postgres.ts';

const count = Number(process.argv[2] ?? 10_000);
const MODEL = { modelId: 'bench', dimension: 384, weightsHash: 'bench' };
const ROUNDS = 60;
const WORDS = 'harbour lantern orbit maple thunder velvet quartz meadow signal copper ribbon falcon'.split(
  ' ',
);

const folder = mkdtempSync(join(tmpdir(), 'faiss-memory-bench-team-'));
const programs = await findPostgres();
if (programs === null) throw new Error('PostgreSQL is not installed');
const server = await PostgresServer.start(programs, []);
const url = await server.createDatabase();

function open(name: string, shared: boolean): SqliteMemoryStore {
  return new SqliteMemoryStore({
    dataDir: join(folder, name),
    now: Date.now,
    createVectorIndex: (dimension) => createVectorIndex({ dimension, preferred: 'auto' }),
    ...(shared ? { log: new PostgresLog({ url, schema: 'faiss_memory', space: 'bench' }) } : {}),
  });
}

function unit(seed: number): Float32Array {
  const vector = Float32Array.from({ length: MODEL.dimension }, (_, axis) =>
    Math.sin(seed * 12.9898 + axis * 78.233),
  );
  const length = Math.hypot(...vector);
  return vector.map((component) => component / length);
}

function textOf(number: number): string {
  const word = (step: number): string => WORDS[(number * step + (number >> step)) % WORDS.length] ?? '';
  return `Fact ${number}: the ${word(3)} beside the ${word(5)} is about ${word(7)} and ${word(11)} since ${number % 977}`;
}

async function fill(store: SqliteMemoryStore): Promise<void> {
  for (let from = 0; from < count; from += 500) {
    const numbers = Array.from({ length: Math.min(500, count - from) }, (_, place) => from + place);
    const facts = { tags: [], source: '', metadata: {} };
    const added = await store.add(
      numbers.map((number) => ({ text: textOf(number), ...facts })),
      { allowDuplicates: true },
    );
    await store.putEmbeddings(
      MODEL,
      added.map(({ versionKey }, place) => ({
        versionKey,
        chunks: [{ start: 0, end: 10, vector: encodeVector(quantize(unit(from + place))) }],
      })),
    );
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

const stores = { sqlite: open('sqlite', false), postgres: open('postgres', true) };
for (const store of Object.values(stores)) {
  await fill(store);
  await store.candidates({
    filter: {},
    limit: 50,
    words: 'warm',
    vector: { modelId: MODEL, vector: unit(1) },
  });
}
const searches = { sqlite: [] as number[], postgres: [] as number[] };
const adds = { sqlite: [] as number[], postgres: [] as number[] };
const commits: number[] = [];
await server.sql('CREATE TABLE public.one (n integer)', url);
const plain = new PostgresLog({ url, schema: 'faiss_memory', space: 'other' });
await plain.create('0123456789abcdef');
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, store] of Object.entries(stores) as [keyof typeof stores, SqliteMemoryStore][]) {
    const vector = { modelId: MODEL, vector: unit(round + 0.5) };
    const words = `${WORDS[round % 12] ?? ''} ${WORDS[(round + 5) % 12] ?? ''}`;
    searches[name].push(await timed(() => store.candidates({ filter: {}, limit: 50, words, vector })));
    const draft = { text: `added in round ${round}`, tags: [], source: '', metadata: {} };
    adds[name].push(await timed(() => store.add([draft])));
  }
  // The smallest commit on a connection that is there: one row of a lease.
  commits.push(await timed(() => plain.lease('bench', String(round % 2), 1)));
}
await stores.postgres.close();
const fresh = open('fresh', true);
const cpuBefore = process.cpuUsage();
const rebuildMs = await timed(() => fresh.replica.identity());
const cpu = process.cpuUsage(cpuBefore);
console.log(`${count} memories with vectors; medians of ${ROUNDS}`);
console.log(
  `search    SQLite ${median(searches.sqlite).toFixed(2)} ms, PostgreSQL ${median(searches.postgres).toFixed(2)} ms, ratio of rates ${(median(searches.sqlite) / median(searches.postgres)).toFixed(2)}`,
);
console.log(
  `add       SQLite ${median(adds.sqlite).toFixed(2)} ms, PostgreSQL ${median(adds.postgres).toFixed(2)} ms, one commit of PostgreSQL ${median(commits).toFixed(2)} ms, more than it ${(median(adds.postgres) - median(commits)).toFixed(2)} ms`,
);
console.log(
  `new index ${(rebuildMs / 1_000).toFixed(1)} s, equal: ${String((await fresh.replica.identity()).memories === count + ROUNDS)}, processor time of this process ${((cpu.user + cpu.system) / 1e6).toFixed(1)} s`,
);
await Promise.all([stores.sqlite.close(), fresh.close(), plain.close()]);
await server.stop();
rmSync(folder, { recursive: true, force: true });
