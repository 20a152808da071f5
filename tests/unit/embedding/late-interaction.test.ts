import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  MAX_QUERY_PIECES,
  mostTelling,
  nearestPieces,
  packTokens,
  pieceWeights,
  unpackToken,
  weighted,
} from '../../../src/embedding/late-interaction.ts';

const tokens = (...vectors: number[][]) => ({
  pieces: Int32Array.from(vectors, (_, index) => 1_000 + index),
  dimension: vectors[0]?.length ?? 2,
  vectors: Float32Array.from(vectors.flat()),
});

function unpacked(packed: Uint8Array, dimension: number): number[] {
  const target = new Float32Array(dimension);
  unpackToken(packed, 0, target);
  return [...target];
}

describe('packTokens', () => {
  test('keeps 4 bits a component, the first in the low half of a byte', () => {
    // 0.7 × the largest component is the level 7; -0.35 is the level -5 of 7 / (0.7 × 0.7) × -0.35.
    expect([...packTokens(tokens([0.7, -0.35, 0, 0.07]))]).toEqual([15 | (3 << 4), 8 | (9 << 4)]);
    expect(packTokens(tokens([1, 0], [0, 1]))).toHaveLength(2);
    expect([...packTokens({ vectors: new Float32Array(), dimension: 2 })]).toEqual([]);
  });

  test('gives unit vectors back: 3 and 4 of 5 for the levels 3 and 4', () => {
    const [first, second] = unpacked(Uint8Array.of((8 + 3) | ((8 + 4) << 4)), 2);
    expect([first?.toFixed(4), second?.toFixed(4)]).toEqual(['0.6000', '0.8000']);
  });

  test('survives a vector of zeros', () => {
    expect(unpacked(packTokens(tokens([0, 0])), 2)).toEqual([0, 0]);
  });

  test('keeps the direction of any vector nearly', () => {
    const component = fc.double({ min: -1, max: 1, noNaN: true });
    const vectors = fc
      .array(component, { minLength: 128, maxLength: 128 })
      .filter((values) => Math.hypot(...values) > 0.1);
    fc.assert(
      fc.property(vectors, (values) => {
        const length = Math.hypot(...values);
        const back = unpacked(packTokens(tokens(values)), values.length);
        expect(Math.hypot(...back)).toBeCloseTo(1, 5);
        const cosine = back.reduce((sum, value, i) => sum + (value * (values[i] ?? 0)) / length, 0);
        // The cut off part is worst for a vector with few large components.
        expect(cosine).toBeGreaterThan(0.85);
      }),
    );
  });
});

describe('nearestPieces', () => {
  test('takes for each piece of the query the nearest of the text', () => {
    const text = packTokens(tokens([1, 0, 0, 0], [0, 1, 0, 0]));
    const cosines = nearestPieces(tokens([1, 0, 0, 0], [0.6, 0.8, 0, 0], [0, 0, 1, 0]), text);
    expect([...(cosines ?? [])].map((value) => value.toFixed(3))).toEqual(['1.000', '0.800', '0.000']);
  });

  test('says that a text has no pieces', () => {
    expect(nearestPieces(tokens([1, 0]), new Uint8Array())).toBeNull();
  });
});

describe('pieceWeights', () => {
  test('counts rare pieces more, in all 1', () => {
    // ln(1 + (9 - 1 + 0.5) / 1.5) = ln 6.667 = 1.897, ln(1 + 0.5 / 9.5) = 0.0513
    const weights = pieceWeights(9, [1, 9]);
    expect([...weights].map((value) => value.toFixed(3))).toEqual(['0.974', '0.026']);
  });

  test('counts a piece that the store lacks most', () => {
    const [unknown = 0, known = 0] = pieceWeights(100, [0, 1]);
    expect(unknown).toBeGreaterThan(known);
  });
});

describe('weighted and mostTelling', () => {
  test('sums weight × cosine', () => {
    expect(weighted(Float32Array.of(1, 0.5), Float32Array.of(0.25, 0.75))).toBeCloseTo(0.625, 6);
  });

  test('leaves a short query as it is', () => {
    const query = tokens([1, 0], [0, 1]);
    const weights = Float32Array.of(0.1, 0.9);
    expect(mostTelling(query, weights)).toEqual({ query, weights });
  });

  test('keeps the most telling pieces of a long query, with weights that are 1 in all', () => {
    const count = MAX_QUERY_PIECES + 20;
    const query = tokens(...Array.from({ length: count }, (_, index) => [index, 1]));
    const weights = Float32Array.from({ length: count }, (_, index) => index);
    const short = mostTelling(query, weights);
    expect(short.query.pieces).toHaveLength(MAX_QUERY_PIECES);
    expect(short.query.pieces[0]).toBe(1_000 + count - 1);
    expect([...short.query.vectors.slice(0, 4)]).toEqual([count - 1, 1, count - 2, 1]);
    expect(short.weights.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
  });
});
