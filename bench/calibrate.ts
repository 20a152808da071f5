// Measures cosines of the bundled model on third-party data (EVAL_DATA, never part of this repository):
//   npm run calibrate
// The knots in src/memory/calibration.ts are read off the two tables.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createApp, resolveConfig } from 'faiss-memory';
import { evaluationFolder, loadDatasets } from './lib/datasets.ts';
import { percentile } from './lib/metrics.ts';

const QUESTIONS = 150;
const PAIRS = 400;

const folder = evaluationFolder();
if (folder === undefined) {
  console.log('No evaluation data was found: set EVAL_DATA to its folder. Nothing was measured.');
  process.exit(0);
}
const machine = {
  platform: process.platform,
  homeDirectory: '/nonexistent',
  workingDirectory: process.cwd(),
};
const app = await createApp(resolveConfig({ ...machine, env: process.env }).settings);
const { embedder } = app;

async function passage(text: string): Promise<Float32Array> {
  const [chunk] = await embedder.embedPassage(text);
  if (chunk === undefined) throw new Error('no chunk');
  return chunk.vector;
}

function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}

function row(cosines: readonly number[]): Record<string, number | string> {
  const quantiles = [5, 25, 50, 75, 95].map((p) => [`p${p}`, percentile(cosines, p).toFixed(3)] as const);
  return { n: cosines.length, ...Object.fromEntries(quantiles) };
}

/** Cosines of two memories, both embedded as passages, by the score that people gave to the pair. */
async function pairs(folder: string): Promise<void> {
  const lines = readFileSync(join(folder, 'stsb', 'sts-dev.tsv'), 'utf8')
    .trim()
    .split('\n');
  const step = Math.max(1, Math.floor(lines.length / PAIRS));
  const buckets = new Map<string, number[]>();
  for (const line of lines.filter((_, index) => index % step === 0)) {
    const [, , , , score, first, second] = line.split('\t');
    if (first === undefined || second === undefined) continue;
    const bucket = `rated ${Math.round(Number(score))} of 5`;
    const value = cosine(await passage(first), await passage(second));
    buckets.set(bucket, [...(buckets.get(bucket) ?? []), value]);
  }
  console.table(Object.fromEntries([...buckets].sort().map(([name, values]) => [name, row(values)])));
}

/** Cosines of a question with a document that answers it, and with any other document. */
async function questions(folder: string): Promise<void> {
  const table: Record<string, Record<string, number | string>> = {};
  for (const { name, documents, questions: all } of loadDatasets(folder)) {
    const texts = new Map(documents.map(({ id, text }) => [id, text]));
    const step = Math.max(1, Math.floor(all.length / QUESTIONS));
    const [gold, other]: [number[], number[]] = [[], []];
    for (const [index, question] of all.filter((_, place) => place % step === 0).entries()) {
      const query = await embedder.embedQuery(question.text);
      const [answer = ''] = question.gold.keys();
      const stranger = documents[(index * 7_919) % documents.length]?.text ?? '';
      gold.push(cosine(query, await passage(texts.get(answer) ?? '')));
      other.push(cosine(query, await passage(stranger)));
    }
    table[`${name}: answer`] = row(gold);
    table[`${name}: any other`] = row(other);
  }
  console.table(table);
}

await pairs(folder);
await questions(folder);
await app.close();
