import { filledApp, randomNumbers, randomQuery, VECTORS_ONLY } from '../lib/filled-app.ts';
import { runProgram } from '../lib/measured-program.ts';
import { percentile } from '../lib/metrics.ts';
import { ms, type Report, times } from '../lib/row.ts';
import { bareNode, ServerProcess } from '../lib/server-process.ts';

const CHECKED = 300_000;
const SEARCHED = 1_000_000;
const CHECK_BUDGET = { seconds: 10, mb: 300 };
const SEARCH_BUDGET = { p95: 150, mb: 1_200, startRatio: 2 };

/** What many memories cost: a check of 300,000, and a server with a million. Filling them takes a quarter of an hour. */
export async function largeRows(report: Report): Promise<void> {
  await withFolder(CHECKED, (env) => checkRow(env, report));
  await withFolder(SEARCHED, (env) => searchRows(env, report));
}

type Env = Readonly<Record<string, string>>;

async function withFolder(memories: number, measure: (env: Env) => Promise<void>): Promise<void> {
  const filled = await filledApp(memories);
  const env = { ...VECTORS_ONLY, MEMORY_DATA_DIR: filled.dataDir, MEMORY_EMBEDDING_RUNTIME: 'wasm' };
  try {
    await measure({ ...env, MEMORY_BACKUP_ENABLED: 'false' });
  } finally {
    await filled.close();
  }
}

async function checkRow(env: Env, report: Report): Promise<void> {
  // It fails when a check does.
  const { ms: took, peakMb } = await runProgram(['doctor'], env);
  const reference = await runProgram(['stats'], env);
  const seconds = took / 1_000;
  report({
    what: `doctor, ${CHECKED} memories`,
    measured: `${seconds.toFixed(1)} s, ${peakMb.toFixed(0)} MB at most`,
    budget: `${CHECK_BUDGET.seconds} s, ${CHECK_BUDGET.mb} MB`,
    reference: `stats: ${ms(reference.ms)}, ${reference.peakMb.toFixed(0)} MB`,
    ok: seconds <= CHECK_BUDGET.seconds && peakMb <= CHECK_BUDGET.mb,
  });
}

async function searchRows(env: Env, report: Report): Promise<void> {
  const random = randomNumbers(5);
  const began = performance.now();
  const server = new ServerProcess(env);
  await server.initialize();
  const start = performance.now() - began;
  const bare = await bareNode();
  const search = (mode: string) => (): Promise<unknown> =>
    server.call('memory_search', { query: randomQuery(random), mode });
  const [first = 0] = await times(1, search('vector'));
  await times(20, search('hybrid'));
  const hybrid = percentile(await times(100, search('hybrid')), 95);
  const keyword = percentile(await times(100, search('keyword')), 95);
  const resident = server.rss;
  await server.end();
  report({
    what: `spawn to initialize answered, ${SEARCHED} memories`,
    measured: `${ms(start)}, ${(start / bare).toFixed(1)} x`,
    budget: `${SEARCH_BUDGET.startRatio} x`,
    reference: `node -e 0: ${ms(bare)}`,
    ok: start / bare <= SEARCH_BUDGET.startRatio,
  });
  report({
    what: `search with embedding, WASM, ${SEARCHED} memories, p95`,
    measured: ms(hybrid),
    budget: ms(SEARCH_BUDGET.p95),
    reference: `by words: ${ms(keyword)}; the first by vector: ${ms(first)}`,
    ok: hybrid <= SEARCH_BUDGET.p95,
  });
  report({
    what: `resident memory with model, ${SEARCHED} memories`,
    measured: `${resident.toFixed(0)} MB`,
    budget: `${SEARCH_BUDGET.mb} MB`,
    reference: `vectors of 8 bits: ${((SEARCHED * 388) / 1e6).toFixed(0)} MB`,
    ok: resident <= SEARCH_BUDGET.mb,
  });
}
