import { describe, expect, test } from 'vitest';
import { VectorIndexError } from '../../src/errors/embedding-errors.ts';
import { createVectorIndex } from '../../src/vector/create-vector-index.ts';
import { ExactIndex } from '../../src/vector/exact-index.ts';
import { createFaissNodeIndex, faissNodeIsInstalled } from '../../src/vector/faiss-node-index.ts';
import { createFaissWasmIndex } from '../../src/vector/faiss-wasm-index.ts';
import { FaissInstance, loadFaissModule } from '../../src/vector/faiss-wasm-module.ts';
import { decoded } from '../../src/vector/vector-index.ts';
import { rows, unit, vectorIndexContract } from './vector-index.contract.ts';

vectorIndexContract('exact reference', (dimension) => Promise.resolve(new ExactIndex(dimension)));
vectorIndexContract('FAISS as WebAssembly', createFaissWasmIndex);
if (await faissNodeIsInstalled()) vectorIndexContract('faiss-node', createFaissNodeIndex);

describe('FAISS as WebAssembly', () => {
  test('finds, filters, replaces and removes across many segments', async () => {
    // At this dimension a segment holds 63 vectors, and a query has only 10 bits a component.
    const dimension = 65_536;
    const [index, oracle] = [await createFaissWasmIndex(dimension), new ExactIndex(dimension)];
    const places = [0, 1, 62, 63, 64, 65, 125, 126, 149];
    const all = Int32Array.from({ length: 150 }, (_, label) => label);
    const axis = (number: number, length = 1): Float32Array => {
      const vector = new Float32Array(dimension);
      vector[number] = length;
      return vector;
    };
    for (const each of [index, oracle]) {
      each.add(all, rows(...Array.from(all, (label) => axis(label % 3, 1 - label / 1_000))));
      each.add(Int32Array.of(149), rows(axis(0)));
      each.remove(Int32Array.of(0, 63, 64, 77));
    }
    expect(index.count).toBe(146);
    for (const allow of [undefined, Int32Array.from(places), Int32Array.of(146)]) {
      const options = allow === undefined ? {} : { allow };
      const [found, expected] = [index, oracle].map((each) => each.search(axis(0), 100, options));
      expect(found?.map(({ label }) => label)).toEqual(expected?.map(({ label }) => label));
      found?.forEach(({ score }, place) => {
        expect(score).toBeCloseTo(expected?.[place]?.score ?? NaN, 2);
      });
    }
    expect(index.meanScore(axis(0))).toBeCloseTo(oracle.meanScore(axis(0)), 5);
    index.remove(all);
    expect(index.search(axis(0), 5)).toEqual([]);
    index.dispose();
  });

  test.each([384, 1_027])('scores %i dimensions like floats, to five places', async (dimension) => {
    const index = await createFaissWasmIndex(dimension);
    const labels = Int32Array.from({ length: 300 }, (_, label) => label);
    const vectors = rows(...Array.from(labels, (label) => unit(label, dimension)));
    index.add(labels, vectors);
    const floats = decoded(vectors, dimension);
    const query = unit(1_000, dimension);
    for (const { label, score } of index.search(query, 300)) {
      const exact = floats[label]?.reduce((sum, value, place) => sum + value * (query[place] ?? 0), 0);
      expect(Math.abs(score - (exact ?? NaN))).toBeLessThan(1e-5);
    }
    index.dispose();
  });

  test('says when memory runs out, and goes on working', async () => {
    const faiss = new FaissInstance(await loadFaissModule());
    const index = faiss.createIndex(384);
    const reserve = (gibibytes: number) => () =>
      faiss.resizeIndex(faiss.createIndex(384), 0, (gibibytes * 2 ** 30) / 388);
    reserve(1.5)();
    reserve(1.5)();
    expect(reserve(1.5)).toThrow(VectorIndexError);
    expect(reserve(1.5)).toThrow(/out of memory/);
    expect(() => faiss.resizeIndex(index, 0, 2 ** 31 - 1)).toThrow(/out of memory/);
    expect(faiss.resizeIndex(index, 1, 1)).toBeGreaterThan(0);
  });

  test('turns an exception and a trap inside FAISS into errors', async () => {
    const faiss = new FaissInstance(await loadFaissModule());
    const index = faiss.createIndex(8);
    faiss.withMemory(64, (pointer) => {
      const at = {
        indexes: pointer,
        query: pointer + 8,
        allowed: 0,
        scores: pointer + 40,
        positions: pointer + 48,
      };
      faiss.integers(at.indexes, 1).set([index]);
      expect(() => {
        faiss.searchIndexes(1, 0, at);
      }).toThrow(/could not search: .*k > 0/);
      faiss.resizeIndex(index, 8, 8);
      expect(() => {
        faiss.searchIndexes(1, 1, { ...at, query: 2 ** 32 - 16 });
      }).toThrow(VectorIndexError);
    });
  });

  test('gives its memory back', async () => {
    const index = await createFaissWasmIndex(64);
    const labels = Int32Array.from({ length: 2_000 }, (_, label) => label);
    const vectors = rows(...Array.from(labels, (label) => unit(label, 64)));
    index.add(labels, vectors);
    const before = wasmBytes(index);
    for (let round = 0; round < 200; round += 1) {
      index.remove(labels);
      index.add(labels, vectors);
      index.search(unit(round, 64), 10, { allow: labels });
    }
    // Every round moves 0.1 MB several times: a leak would add more than 20 MB.
    expect(wasmBytes(index) - before).toBeLessThan(8 * 2 ** 20);
    index.dispose();
  });
});

describe('createVectorIndex', () => {
  test('takes the kind that is asked for', async () => {
    const exact = await createVectorIndex({ dimension: 4, preferred: 'exact' });
    const wasm = await createVectorIndex({ dimension: 4, preferred: 'wasm' });
    const auto = await createVectorIndex({ dimension: 4 });
    expect([exact.kind, wasm.kind, auto.kind]).toEqual(['exact', 'faiss-wasm', 'faiss-wasm']);
  });
});

/** Size of the module's memory; reaches into the adapter, since the port has no reason to tell. */
function wasmBytes(index: object): number {
  return (index as { memoryBytes: number }).memoryBytes;
}
