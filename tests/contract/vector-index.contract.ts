import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { encodeVector, quantize } from '../../src/embedding/quantization.ts';
import { VectorIndexError } from '../../src/errors/embedding-errors.ts';
import { ExactIndex } from '../../src/vector/exact-index.ts';
import type { VectorHit, VectorIndex } from '../../src/vector/vector-index.ts';

const DIMENSION = 8;

/** The promises of `VectorIndex`, for any implementation. */
export function vectorIndexContract(name: string, create: (dimension: number) => Promise<VectorIndex>): void {
  describe(name, () => {
    const open: VectorIndex[] = [];
    afterEach(() => {
      for (const index of open.splice(0)) index.dispose();
    });
    const make = async (dimension = DIMENSION): Promise<VectorIndex> => {
      const index = await create(dimension);
      open.push(index);
      return index;
    };

    test('is empty at first and finds nothing', async () => {
      const index = await make();
      expect(index.count).toBe(0);
      expect(index.search(unit(1), 5)).toEqual([]);
    });

    test('returns the best first, ties by ascending label, fewer than k when there are fewer', async () => {
      const index = await make();
      index.add(Int32Array.of(9, 3, 5), rows(unit(1), unit(1), unit(2)));
      const hits = index.search(unit(1), 10);
      expect(hits.map((hit) => hit.label)).toEqual([3, 9, 5]);
      expect(hits[0]?.score).toBeCloseTo(1, 2);
    });

    test('breaks ties by label even when they are cut off at k', async () => {
      const index = await make();
      index.add(Int32Array.of(8, 7, 6, 5), rows(unit(1), unit(1), unit(1), unit(1)));
      expect(index.search(unit(1), 2).map((hit) => hit.label)).toEqual([5, 6]);
    });

    test('breaks ties by label among far more equals than are wanted', async () => {
      const index = await make();
      const labels = Int32Array.from({ length: 300 }, (_, place) => (place * 7) % 300);
      index.add(labels, rows(...Array.from(labels, () => unit(1))));
      index.add(Int32Array.of(900), rows(unit(2)));
      expect(index.search(unit(1), 3).map((hit) => hit.label)).toEqual([0, 1, 2]);
      const allow = Int32Array.from({ length: 200 }, (_, place) => 299 - place);
      expect(index.search(unit(1), 3, { allow }).map((hit) => hit.label)).toEqual([100, 101, 102]);
    });

    test('replaces the vector of a label that is present', async () => {
      const index = await make();
      index.add(Int32Array.of(1, 2), rows(unit(1), unit(2)));
      index.add(Int32Array.of(1), rows(unit(3)));
      expect(index.count).toBe(2);
      expect(index.search(unit(3), 1)[0]).toMatchObject({ label: 1 });
    });

    test('removes what is present and says how much that was', async () => {
      const index = await make();
      index.add(Int32Array.of(1, 2, 3), rows(unit(1), unit(2), unit(3)));
      expect(index.remove(Int32Array.of(2, 77))).toBe(1);
      expect(index.count).toBe(2);
      expect(
        index
          .search(unit(2), 9)
          .map((hit) => hit.label)
          .sort(),
      ).toEqual([1, 3]);
    });

    test('is empty again after it was cleared, and can be filled again', async () => {
      const index = await make();
      index.add(Int32Array.of(1, 2), rows(unit(1), unit(2)));
      index.clear();
      expect(index.count).toBe(0);
      expect(index.search(unit(1), 5)).toEqual([]);
      expect(index.meanScore(unit(1))).toBe(0);
      index.add(Int32Array.of(2, 3), rows(unit(5), unit(3)));
      expect(index.search(unit(5), 5).map((hit) => hit.label)).toEqual([2, 3]);
    });

    test('searches exactly within the allowed labels', async () => {
      const index = await make();
      const labels = Int32Array.from({ length: 100 }, (_, label) => label);
      index.add(labels, rows(...Array.from(labels, (label) => unit(label))));
      const allow = Int32Array.of(90, 3, 4_000);
      expect(
        index
          .search(unit(5), 10, { allow })
          .map((hit) => hit.label)
          .sort((a, b) => a - b),
      ).toEqual([3, 90]);
      expect(index.search(unit(5), 10, { allow: new Int32Array() })).toEqual([]);
    });

    test.each([
      [
        'a vector of another dimension',
        (index: VectorIndex) => {
          index.add(Int32Array.of(1), rows(unit(1, DIMENSION + 1)));
        },
      ],
      [
        'another number of vectors than labels',
        (index: VectorIndex) => {
          index.add(Int32Array.of(1, 2), rows(unit(1)));
        },
      ],
      [
        'a negative label',
        (index: VectorIndex) => {
          index.add(Int32Array.of(-1), rows(unit(1)));
        },
      ],
      [
        'a label twice',
        (index: VectorIndex) => {
          index.add(Int32Array.of(1, 1), rows(unit(1), unit(2)));
        },
      ],
      [
        'a scale that is not a number',
        (index: VectorIndex) => {
          index.add(Int32Array.of(1), encodeVector({ scale: NaN, data: new Int8Array(DIMENSION) }));
        },
      ],
      [
        'a query of another dimension',
        (index: VectorIndex) => {
          index.search(new Float32Array(3), 1);
        },
      ],
      [
        'k = 0',
        (index: VectorIndex) => {
          index.search(unit(1), 0);
        },
      ],
    ])('refuses %s and stays as it was', async (_, misuse) => {
      const index = await make();
      index.add(Int32Array.of(7), rows(unit(7)));
      expect(() => {
        misuse(index);
      }).toThrow(VectorIndexError);
      expect(index.search(unit(7), 2)).toHaveLength(1);
    });

    test('knows the mean of all scores, after additions, replacements and removals', async () => {
      const index = await make();
      expect(index.meanScore(unit(1))).toBe(0);
      const labels = Int32Array.from({ length: 50 }, (_, label) => label);
      index.add(labels, rows(...Array.from(labels, (label) => unit(label))));
      index.add(Int32Array.of(7, 8), rows(unit(70), unit(80)));
      index.remove(Int32Array.of(1, 49, 30));
      const scores = index.search(unit(3), 50).map(({ score }) => score);
      expect(scores).toHaveLength(47);
      expect(index.meanScore(unit(3))).toBeCloseTo(scores.reduce((sum, score) => sum + score, 0) / 47, 4);
      index.remove(labels);
      expect(index.meanScore(unit(3))).toBe(0);
    });

    test('agrees with the exact reference after any sequence of changes', async () => {
      const labelSets = fc.uniqueArray(fc.nat(40), { maxLength: 12 });
      const change = fc.oneof(
        fc.record({ add: labelSets, seed: fc.nat(1_000) }),
        fc.record({ remove: labelSets }),
      );
      await fc.assert(
        fc.asyncProperty(
          fc.array(change, { maxLength: 12 }),
          labelSets,
          fc.nat(1_000),
          async (changes, allowed, seed) => {
            const [index, oracle] = [await create(DIMENSION), new ExactIndex(DIMENSION)];
            try {
              for (const step of changes) apply(step, [index, oracle]);
              const query = unit(seed);
              expect(index.count).toBe(oracle.count);
              expectSame(index.search(query, 5), oracle.search(query, 5));
              const allow = Int32Array.from(allowed);
              expectSame(index.search(query, 5, { allow }), oracle.search(query, 5, { allow }));
            } finally {
              index.dispose();
            }
          },
        ),
        { numRuns: 60 },
      );
    });

    test('refuses every call after dispose', async () => {
      const index = await make();
      index.dispose();
      index.dispose();
      expect(() => index.search(unit(1), 1)).toThrow(VectorIndexError);
    });
  });
}

type Change = { add: number[]; seed: number } | { remove: number[] };

function apply(change: Change, indexes: readonly VectorIndex[]): void {
  for (const index of indexes) {
    if ('add' in change)
      index.add(Int32Array.from(change.add), rows(...change.add.map((label) => unit(label + change.seed))));
    else index.remove(Int32Array.from(change.remove));
  }
}

/** The same labels in the same order; scores may differ by the rounding of a query to 16 bits. */
function expectSame(found: readonly VectorHit[], expected: readonly VectorHit[]): void {
  expect(found.map((hit) => hit.label)).toEqual(expected.map((hit) => hit.label));
  found.forEach((hit, place) => {
    expect(hit.score).toBeCloseTo(expected[place]?.score ?? NaN, 4);
  });
}

/** A unit vector that depends on the seed alone; distinct seeds give distinct, well separated scores. */
export function unit(seed: number, dimension = DIMENSION): Float32Array {
  let state = (seed + 1) * 2_654_435_761;
  const vector = Float32Array.from({ length: dimension }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32 - 0.5;
  });
  const norm = Math.hypot(...vector);
  return vector.map((value) => value / norm);
}

/** The vectors in the form in which an index takes them. */
export function rows(...vectors: Float32Array[]): Uint8Array {
  return Buffer.concat(vectors.map((vector) => encodeVector(quantize(vector))));
}
