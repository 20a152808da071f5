import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { VectorIndexError } from '../../src/errors/embedding-errors.ts';
import { createVectorIndex } from '../../src/vector/create-vector-index.ts';
import { ExactIndex } from '../../src/vector/exact-index.ts';
import { createFaissNodeIndex, faissNodeIsInstalled } from '../../src/vector/faiss-node-index.ts';
import { createFaissWasmIndex } from '../../src/vector/faiss-wasm-index.ts';
import { FaissInstance, loadFaissModule } from '../../src/vector/faiss-wasm-module.ts';
import { decodeVectorFile } from '../../src/vector/vector-file.ts';
import { rows, unit, vectorIndexContract } from './vector-index.contract.ts';

vectorIndexContract('exact reference', (dimension) => Promise.resolve(new ExactIndex(dimension)));
vectorIndexContract('FAISS as WebAssembly', createFaissWasmIndex);
if (await faissNodeIsInstalled()) vectorIndexContract('faiss-node', createFaissNodeIndex);

describe('any index', () => {
  test('reads what any other implementation saved', async () => {
    const [exact, wasm] = [new ExactIndex(8), await createFaissWasmIndex(8)];
    exact.add(Int32Array.of(5, 6, 7), rows(unit(5), unit(6), unit(7)));
    wasm.load(exact.save());
    expect(Buffer.compare(wasm.save(), exact.save())).toBe(0);
    const copy = new ExactIndex(8);
    copy.load(wasm.save());
    expect(copy.search(unit(6), 3)).toEqual(exact.search(unit(6), 3));
  });
});

describe('FAISS as WebAssembly', () => {
  test('finds, filters, replaces and removes across many segments', async () => {
    // At this dimension a segment holds 64 vectors.
    const dimension = 65_536;
    const [index, oracle] = [await createFaissWasmIndex(dimension), new ExactIndex(dimension)];
    const places = [0, 1, 62, 63, 64, 65, 127, 128, 129];
    const all = Int32Array.from({ length: 130 }, (_, label) => label);
    const sparse = new Float32Array(130 * dimension);
    for (const label of all) sparse[label * dimension + (label % 3)] = 1 - label / 1_000;
    const axis = (number: number): Float32Array =>
      Float32Array.from({ length: dimension }, (_, i) => (i === number ? 1 : 0));
    for (const each of [index, oracle]) {
      each.add(all, sparse);
      each.add(Int32Array.of(129), axis(0));
      each.remove(Int32Array.of(0, 64, 65, 77));
      each.load(each.save());
    }
    expect(index.count).toBe(126);
    for (const allow of [undefined, Int32Array.from(places), Int32Array.of(128)]) {
      const options = allow === undefined ? {} : { allow };
      expect(index.search(axis(0), 100, options)).toEqual(oracle.search(axis(0), 100, options));
    }
    index.remove(all);
    expect(index.search(axis(0), 5)).toEqual([]);
    index.dispose();
  });

  test('says when memory runs out, and goes on working', async () => {
    const faiss = new FaissInstance(await loadFaissModule());
    const index = faiss.createIndex(384);
    const reserve = (gibibytes: number) => () =>
      faiss.resizeIndex(faiss.createIndex(384), 0, (gibibytes * 2 ** 30) / 1_536);
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
    const at = { query: 8, allowed: 0, scores: 8, positions: 8 };
    expect(() => {
      faiss.searchIndex(index, 0, at);
    }).toThrow(/could not search: .*k > 0/);
    faiss.resizeIndex(index, 8, 8);
    expect(() => {
      faiss.searchIndex(index, 1, { ...at, query: 2 ** 32 - 16 });
    }).toThrow(VectorIndexError);
  });

  test('gives its memory back', async () => {
    const index = await createFaissWasmIndex(64);
    const labels = Int32Array.from({ length: 2_000 }, (_, label) => label);
    const vectors = rows(...Array.from(labels, (label) => unit(label, 64)));
    index.add(labels, vectors);
    const before = wasmBytes(index);
    for (let round = 0; round < 200; round += 1) {
      index.load(index.save());
      index.remove(labels);
      index.add(labels, vectors);
      index.search(unit(round, 64), 10, { allow: labels });
    }
    // Every round moves 0.5 MB several times: a leak would add more than 100 MB.
    expect(wasmBytes(index) - before).toBeLessThan(8 * 2 ** 20);
    index.dispose();
  });

  test('writes an index that the Python package reads', async (context) => {
    const python = spawnSync('/usr/bin/python3', ['-c', 'import faiss']);
    if (python.status !== 0) {
      if (process.env['REQUIRE_PYTHON_FAISS'] === '1') throw new Error('python3-faiss is not installed');
      context.skip('python3-faiss is not installed');
    }
    const index = await createFaissWasmIndex(8);
    index.add(Int32Array.of(5, 6, 7), rows(unit(5), unit(6), unit(7)));
    const file = join(mkdtempSync(join(tmpdir(), 'faiss-memory-')), 'index.faiss');
    writeFileSync(file, decodeVectorFile(index.save(), 8).payload);
    const script = `import faiss, sys, numpy
index = faiss.read_index(sys.argv[1])
scores, positions = index.search(numpy.array([[float(x) for x in sys.argv[2].split(',')]], dtype='float32'), 3)
print(index.ntotal, *positions[0], *(f'{score:.4f}' for score in scores[0]))`;
    const run = spawnSync('/usr/bin/python3', ['-c', script, file, [...unit(6)].join(',')], {
      encoding: 'utf8',
    });
    const hits = index.search(unit(6), 3);
    const expected = [3, ...hits.map((hit) => hit.label - 5), ...hits.map((hit) => hit.score.toFixed(4))];
    expect(run.stdout.trim()).toBe(expected.join(' '));
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
