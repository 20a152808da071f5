// Compares two builds of faiss.wasm: the same exports, and the same answers to the same searches.
//   node check.mjs REBUILT_FOLDER
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createHash } from 'node:crypto';

const committed = import.meta.dirname;
const rebuilt = resolve(process.argv[2] ?? '');

async function open(folder) {
  const wasmBinary = readFileSync(join(folder, 'faiss.wasm'));
  const loader = await import(pathToFileURL(join(folder, 'faiss.mjs')).href);
  return { wasmBinary, module: await loader.default({ wasmBinary }) };
}

function exportsOf(wasm) {
  return WebAssembly.Module.exports(new WebAssembly.Module(wasm)).map(({ kind }) => kind).sort().join();
}

/** Scores and positions of seeded searches over seeded vectors. */
function answers({ module }) {
  const [dimension, count, k] = [48, 500, 10];
  let state = 7;
  const random = (n) => Float32Array.from({ length: n }, () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32 - 0.5);
  const index = module._fm_create(dimension);
  const at = module._malloc(count * dimension * 4);
  module.HEAPF32.set(random(count * dimension), at / 4);
  if (module._fm_add(index, count, at) !== 0) throw new Error('add failed');
  const scores = module._malloc(k * 4);
  const positions = module._malloc(k * 8);
  const digest = createHash('sha256');
  for (let round = 0; round < 50; round++) {
    module.HEAPF32.set(random(dimension), at / 4);
    if (module._fm_search(index, at, k, 0, scores, positions) !== 0) throw new Error('search failed');
    digest.update(module.HEAPU8.slice(scores, scores + k * 4)).update(module.HEAPU8.slice(positions, positions + k * 8));
  }
  return digest.digest('hex');
}

const [a, b] = [await open(committed), await open(rebuilt)];
const functions = Object.keys(a.module).filter((name) => name.startsWith('_')).sort().join();
const same = {
  functions: functions === Object.keys(b.module).filter((name) => name.startsWith('_')).sort().join(),
  exports: exportsOf(a.wasmBinary) === exportsOf(b.wasmBinary),
  searches: answers(a) === answers(b),
};
console.log(`bytes identical: ${Buffer.compare(a.wasmBinary, b.wasmBinary) === 0}`);
for (const [what, equal] of Object.entries(same)) console.log(`${what} the same: ${equal}`);
process.exitCode = Object.values(same).every(Boolean) ? 0 : 1;
