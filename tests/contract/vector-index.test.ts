import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createVectorIndex } from '../../src/vector/create-vector-index.ts';
import { ExactIndex } from '../../src/vector/exact-index.ts';
import { createFaissNodeIndex, faissNodeIsInstalled } from '../../src/vector/faiss-node-index.ts';
import { createFaissWasmIndex } from '../../src/vector/faiss-wasm-index.ts';
import { decodeVectorFile } from '../../src/vector/vector-file.ts';
import { rows, unit, vectorIndexContract } from './vector-index.contract.ts';

vectorIndexContract('exact reference', (dimension) => Promise.resolve(new ExactIndex(dimension)));
vectorIndexContract('FAISS as WebAssembly', createFaissWasmIndex);
if (await faissNodeIsInstalled()) vectorIndexContract('faiss-node', createFaissNodeIndex);

describe('FAISS as WebAssembly', () => {
  it('gives its memory back', async () => {
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

  it('writes an index that the Python package reads', async (context) => {
    const python = spawnSync('/usr/bin/python3', ['-c', 'import faiss']);
    if (python.status !== 0) {
      if (process.env['REQUIRE_PYTHON_FAISS'] === '1') throw new Error('python3-faiss is not installed');
      context.skip('python3-faiss is not installed');
    }
    const index = await createFaissWasmIndex(8);
    index.add(Int32Array.of(5, 6, 7), rows(unit(5), unit(6), unit(7)));
    const file = join(mkdtempSync(join(tmpdir(), 'faiss-memory-')), 'index.faiss');
    writeFileSync(file, decodeVectorFile(index.save()).payload);
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
  it('takes the kind that is asked for', async () => {
    const exact = await createVectorIndex({ dimension: 4, preferred: 'exact' });
    const wasm = await createVectorIndex({ dimension: 4, preferred: 'wasm' });
    expect([exact.kind, wasm.kind]).toEqual(['exact', 'faiss-wasm']);
  });
});

/** Size of the module's memory; reaches into the adapter, since the port has no reason to tell. */
function wasmBytes(index: object): number {
  return (index as { memoryBytes: number }).memoryBytes;
}
