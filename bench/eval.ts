// Measures the retrieval quality of the program's own search, and of plain BM25 in the same run.
//   npm run eval -- [--set locomo|scifact|devbench|facts|languages] [--data DIR]
//   npm run eval -- --recall [--data DIR]     which memories a prompt brings up unasked, with LoCoMo's questions as prompts
// The facts and the languages are in bench/data; the other sets are third-party data in EVAL_DATA, never part of this
// repository, and are left out without it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createApp, resolveConfig, type Embedder, type SearchResponse } from 'faiss-memory';
import { bm25Reference } from './lib/bm25-reference.ts';
import { evaluationFolder, loadDatasets, type Dataset, type Question } from './lib/datasets.ts';
import { documentsOf, openEvaluated, rememberingEmbedder } from './lib/evaluated-store.ts';
import { mean, ndcgAt, recallAt } from './lib/metrics.ts';
import { measureOnePool, type PoolRow } from './lib/one-pool.ts';
import { measureRecall } from './lib/recall-rows.ts';
import { factSets, languageSets } from './lib/small-sets.ts';

/** The figures of one question. */
interface Scores {
  readonly hit1: number;
  readonly recall5: number;
  readonly recall10: number;
  /** Null = the documents have no groups. */
  readonly groupRecall10: number | null;
  readonly ndcg10: number;
  /** The answer was called a weak match. */
  readonly weak: number;
}

interface Answer {
  readonly ranked: readonly string[];
  readonly weak: boolean;
}

type Ask = (question: Question) => Promise<Answer>;

const DEPTH = 50;
const MODES = ['keyword', 'vector', 'hybrid'] as const;
const { values: flags } = parseArgs({
  options: { set: { type: 'string' }, data: { type: 'string' }, recall: { type: 'boolean', default: false } },
});
/** The figures of all questions, by dataset and method. */
const measured = new Map<string, Scores[]>();
const pools: PoolRow[] = [];

async function main(): Promise<void> {
  const folder = evaluationFolder();
  if (folder === undefined) console.log('No evaluation data was found: EVAL_DATA is its folder.');
  if (flags.recall) {
    await evaluateRecall(folder);
    return;
  }
  for (const dataset of folder === undefined ? [] : loadDatasets(folder)) {
    if (isWanted(dataset.name)) await evaluateLarge(dataset);
  }
  if (isWanted('facts') || isWanted('languages')) await evaluateSmall();
  const rows = [...measured].map(([name, scores]) => ({ name, questions: scores.length, ...means(scores) }));
  console.table(rows);
  if (pools.length > 0) {
    console.log('LoCoMo, all conversations in one store, with 95 % intervals:');
    console.table(pools);
  }
  mkdirSync('bench/results', { recursive: true });
  writeFileSync('bench/results/eval.json', `${JSON.stringify({ rows, pools }, null, 2)}\n`);
}

async function evaluateRecall(folder: string | undefined): Promise<void> {
  const dataset =
    folder === undefined ? undefined : loadDatasets(folder).find(({ name }) => name === 'LoCoMo');
  if (dataset === undefined) return;
  const store = await openEvaluated(dataset, { dataDir: dataFolder(dataset) });
  try {
    const recall = await measureRecall(dataset, store);
    console.table(recall);
    mkdirSync('bench/results', { recursive: true });
    writeFileSync('bench/results/recall.json', `${JSON.stringify(recall, null, 2)}\n`);
  } finally {
    await store.app.close();
  }
}

function isWanted(name: string): boolean {
  return flags.set === undefined || flags.set === name.toLowerCase();
}

async function evaluateLarge(dataset: Dataset): Promise<void> {
  const reference = bm25Reference(dataset);
  await measure(dataset, 'BM25 (SQLite FTS5)', (question) =>
    Promise.resolve({ ranked: reference(question, DEPTH), weak: false }),
  );
  await evaluateStore(dataset, dataFolder(dataset));
}

/** Embedding is slow, so a second run with the same data continues in the same folder. */
function dataFolder({ name }: Dataset): string {
  return join(flags.data ?? join(tmpdir(), 'faiss-memory-eval'), name);
}

/** Many small stores with the same texts, each of which is embedded once. */
async function evaluateSmall(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'faiss-memory-small-'));
  const machine = { platform: process.platform, homeDirectory: folder, workingDirectory: process.cwd() };
  const app = await createApp(
    resolveConfig({ ...machine, env: { ...process.env, MEMORY_DATA_DIR: folder } }).settings,
  );
  const embedder = rememberingEmbedder(app.embedder);
  try {
    const sets = [...(isWanted('facts') ? factSets() : []), ...(isWanted('languages') ? languageSets() : [])];
    for (const [place, dataset] of sets.entries()) {
      await evaluateStore(dataset, join(folder, String(place)), embedder);
    }
  } finally {
    await app.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function evaluateStore(dataset: Dataset, dataDir: string, embedder?: Embedder): Promise<void> {
  const store = await openEvaluated(dataset, {
    dataDir,
    ...(embedder === undefined ? {} : { embedder }),
  });
  try {
    for (const mode of MODES) {
      const ask: Ask = async (question) => answerOf(await store.search(question, mode));
      await measure(dataset, mode, ask);
      if (mode === 'hybrid') await measureUnanswered(dataset, ask);
    }
    if (dataset.groupOf !== undefined) pools.push(...(await measureOnePool(dataset, store)));
  } finally {
    await store.app.close();
  }
}

function answerOf(response: SearchResponse): Answer {
  return { ranked: documentsOf(response), weak: response.weak };
}

async function measure(dataset: Dataset, method: string, ask: Ask): Promise<void> {
  for (const question of dataset.questions) {
    const scores = scoresOf(dataset, question, await ask(question));
    note(`${dataset.name}: ${method}`, scores);
    if (method === 'hybrid' && question.category !== undefined) {
      note(`${dataset.name}: ${method}, ${question.category}`, scores);
    }
  }
}

/** Only how many are called weak means something. */
async function measureUnanswered(dataset: Dataset, ask: Ask): Promise<void> {
  for (const question of dataset.unanswered ?? []) {
    note(`${dataset.name}: not answered`, scoresOf(dataset, question, await ask(question)));
  }
}

function note(name: string, scores: Scores): void {
  measured.set(name, [...(measured.get(name) ?? []), scores]);
}

function scoresOf({ groupOf }: Dataset, { gold }: Question, { ranked, weak }: Answer): Scores {
  const ids = new Set(gold.keys());
  return {
    hit1: ids.has(ranked[0] ?? '') ? 1 : 0,
    recall5: recallAt(5, ranked, ids),
    recall10: recallAt(10, ranked, ids),
    groupRecall10:
      groupOf === undefined
        ? null
        : recallAt(10, [...new Set(ranked.slice(0, DEPTH).map(groupOf))], new Set([...ids].map(groupOf))),
    ndcg10: ndcgAt(10, ranked, gold),
    weak: weak ? 1 : 0,
  };
}

function means(scores: readonly Scores[]): Record<keyof Scores, number | null> {
  const of = (value: (one: Scores) => number | null): number | null => {
    const values = scores.map(value).filter((one) => one !== null && !Number.isNaN(one));
    return values.length === 0 ? null : Number(mean(values.map(Number)).toFixed(3));
  };
  return {
    hit1: of(({ hit1 }) => hit1),
    recall5: of(({ recall5 }) => recall5),
    recall10: of(({ recall10 }) => recall10),
    groupRecall10: of(({ groupRecall10 }) => groupRecall10),
    ndcg10: of(({ ndcg10 }) => ndcg10),
    weak: of(({ weak }) => weak),
  };
}

await main();
