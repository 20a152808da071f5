// Measures the retrieval quality of the program's own search, and of plain BM25 in the same run.
//   npm run eval -- [--set locomo|scifact|devbench] [--data DIR]   (data: EVAL_DATA, never part of this repository)
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createApp, resolveConfig, type App, type SearchMode } from 'faiss-memory';
import { bm25Reference } from './lib/bm25-reference.ts';
import { evaluationFolder, loadDatasets, type Dataset } from './lib/datasets.ts';
import { mean, ndcgAt, recallAt } from './lib/metrics.ts';

interface Row {
  readonly dataset: string;
  readonly method: string;
  readonly recall5: number;
  readonly recall10: number;
  readonly groupRecall10: number | null;
  readonly ndcg10: number;
}

type Ranker = (question: Dataset['questions'][number]) => Promise<string[]>;

const DEPTH = 50;
const { values: flags } = parseArgs({ options: { set: { type: 'string' }, data: { type: 'string' } } });

async function main(): Promise<void> {
  const folder = evaluationFolder();
  if (folder === undefined) {
    console.log('No evaluation data was found: set EVAL_DATA to its folder. Nothing was measured.');
    return;
  }
  const rows: Row[] = [];
  for (const dataset of loadDatasets(folder)) {
    if (flags.set !== undefined && dataset.name.toLowerCase() !== flags.set) continue;
    rows.push(...(await evaluate(dataset)));
  }
  console.table(rows.map((row) => ({ ...row, ...rounded(row) })));
  mkdirSync('bench/results', { recursive: true });
  writeFileSync('bench/results/eval.json', `${JSON.stringify(rows, null, 2)}\n`);
}

async function evaluate(dataset: Dataset): Promise<Row[]> {
  const reference = bm25Reference(dataset);
  const rows = [
    await measure(dataset, 'BM25 (SQLite FTS5)', (question) => Promise.resolve(reference(question, DEPTH))),
  ];
  const app = await createApp(settings(dataset));
  try {
    await index(app, dataset);
    for (const mode of ['keyword', 'vector', 'hybrid'] as const) {
      rows.push(await measure(dataset, `faiss-memory ${mode}`, search(app, dataset, mode)));
    }
  } finally {
    await app.close();
  }
  return rows;
}

function settings(dataset: Dataset): Parameters<typeof createApp>[0] {
  // Embedding is slow, so a second run with the same data continues in the same folder.
  const dataDir = join(flags.data ?? join(tmpdir(), 'faiss-memory-eval'), dataset.name);
  const machine = { platform: process.platform, homeDirectory: tmpdir(), workingDirectory: process.cwd() };
  return resolveConfig({
    ...machine,
    env: { ...process.env, MEMORY_DATA_DIR: dataDir, MEMORY_SECRETS: 'allow' },
  }).settings;
}

async function index(app: App, dataset: Dataset): Promise<void> {
  const before = await app.memory.stats();
  if (before.live < dataset.documents.length) {
    for (let start = 0; start < dataset.documents.length; start += 100) {
      const batch = dataset.documents.slice(start, start + 100);
      await app.memory.add({
        memories: batch.map(({ id, text, partition, session }) => ({
          text,
          metadata: { document: id, partition, ...(session === undefined ? {} : { session }) },
        })),
        onDuplicate: 'add',
      });
    }
  }
  await app.memory.reembed(({ done, total }) => {
    if (done % 200 === 0) console.error(`${dataset.name}: ${done} of ${total} embedded`);
  });
}

function search(app: App, dataset: Dataset, mode: SearchMode): Ranker {
  const partitioned = dataset.documents.some(({ partition }) => partition !== '');
  return async ({ text, partition }) => {
    const { hits } = await app.memory.search({
      query: text,
      mode,
      limit: DEPTH,
      ...(partitioned ? { filter: { metadata: { partition } } } : {}),
    });
    return hits.map(({ memory: { metadata } }) =>
      typeof metadata['document'] === 'string' ? metadata['document'] : '',
    );
  };
}

async function measure(dataset: Dataset, method: string, rank: Ranker): Promise<Row> {
  const scores: { recall5: number; recall10: number; group: number; ndcg: number }[] = [];
  for (const question of dataset.questions) {
    const ranked = await rank(question);
    const gold = new Set(question.gold.keys());
    const groupOf = dataset.groupOf ?? ((id: string) => id);
    const groups = [...new Set(ranked.map(groupOf))];
    scores.push({
      recall5: recallAt(5, ranked, gold),
      recall10: recallAt(10, ranked, gold),
      group: recallAt(10, groups, new Set([...gold].map(groupOf))),
      ndcg: ndcgAt(10, ranked, question.gold),
    });
  }
  return {
    dataset: dataset.name,
    method,
    recall5: mean(scores.map((score) => score.recall5)),
    recall10: mean(scores.map((score) => score.recall10)),
    groupRecall10: dataset.groupOf === undefined ? null : mean(scores.map((score) => score.group)),
    ndcg10: mean(scores.map((score) => score.ndcg)),
  };
}

function rounded(row: Row): Record<string, number | null> {
  const round = (value: number | null): number | null => (value === null ? null : Number(value.toFixed(3)));
  return {
    recall5: round(row.recall5),
    recall10: round(row.recall10),
    groupRecall10: round(row.groupRecall10),
    ndcg10: round(row.ndcg10),
  };
}

await main();
