import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BUNDLED_MODEL, readModelFiles, TOKEN_SPACE } from '../../../src/embedding/model-files.ts';
import { tellingPieces, TokenProjection, tokenVectorsOf } from '../../../src/embedding/token-projection.ts';

const MODEL = 'models/e5-small-v2-int8';

describe('tellingPieces', () => {
  test('leaves out the prefix, special tokens, punctuation and whole stop words', () => {
    const pieces = ['[CLS]', 'query', ':', 'where', 'is', 'the', 'can', '##opy', '?', '[UNK]', '7', '[SEP]'];
    expect(tellingPieces(pieces, 3).map((position) => pieces[position])).toEqual(['can', '##opy', '7']);
  });
});

describe('TokenProjection', () => {
  const projection = new TokenProjection(Float32Array.of(0.5, 0, 0), Float32Array.of(1, 0, 0, 0, 1, 0));

  test('brings to the length 1, subtracts the mean, turns, and brings to the length 1 again', () => {
    // (0.6, 0.8, 0) - (0.5, 0, 0) = (0.1, 0.8, 0), of the length 0.8062.
    const [x, y] = projection.project(Float32Array.of(9, 9, 9, 3, 4, 0), [1]);
    expect([x?.toFixed(4), y?.toFixed(4)]).toEqual(['0.1240', '0.9923']);
  });

  test('gives a vector for each telling piece, with its id', () => {
    const run = {
      ids: [101, 7, 8, 102],
      pieces: ['[CLS]', 'the', 'pump', '[SEP]'],
      hidden: Float32Array.of(1, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0),
      from: 1,
    };
    const { pieces, dimension, vectors } = tokenVectorsOf(run, projection);
    expect([...pieces]).toEqual([8]);
    expect([dimension, vectors.length]).toEqual([2, 2]);
  });
});

describe('the projection of the bundled model', () => {
  test('is the file that its checksum names: a mean and 128 directions at right angles', async () => {
    const { projection } = await readModelFiles(MODEL, BUNDLED_MODEL);
    const sum = createHash('sha256')
      .update(readFileSync(`${MODEL}/token-projection.bin`))
      .digest('hex');
    expect(TOKEN_SPACE).toBe(`pca128-${sum.slice(0, 12)}`);
    expect(readFileSync(`${MODEL}/README.md`, 'utf8')).toContain(sum);
    const numbers = new Float32Array(Uint8Array.from(projection ?? []).buffer);
    expect(numbers).toHaveLength(384 * 129);
    const row = (index: number) => numbers.slice(384 * (index + 1), 384 * (index + 2));
    const dot = (a: Float32Array, b: Float32Array) =>
      a.reduce((total, value, i) => total + value * (b[i] ?? 0), 0);
    expect(dot(row(0), row(0))).toBeCloseTo(1, 4);
    expect(dot(row(127), row(127))).toBeCloseTo(1, 4);
    expect(dot(row(0), row(127))).toBeCloseTo(0, 4);
  });
});
