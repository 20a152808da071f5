// Compares two builds of faiss.wasm: the same exports, and the same answers to the same searches.
//   node check.mjs REBUILT_FOLDER
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const [DIMENSION, COUNT, DEPTH] = [48, 500, 10];

function open(folder) {
  const bytes = readFileSync(join(folder, 'faiss.wasm'));
  const module = new WebAssembly.Module(bytes);
  const imports = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    imports[from] = { ...imports[from], [name]: () => 0 };
  }
  const faiss = new WebAssembly.Instance(module, imports).exports;
  faiss._initialize();
  return { bytes, faiss, interface: describe(module) };
}

function describe(module) {
  const exported = WebAssembly.Module.exports(module).map(({ name, kind }) => `${kind} ${name}`);
  const imported = WebAssembly.Module.imports(module).map(({ module: from, name }) => `needs ${from}.${name}`);
  return [...exported, ...imported].sort().join('\n');
}

/** Digest of scores and positions of seeded searches, with and without a filter, over seeded vectors. */
function answers({ faiss }) {
  let state = 7;
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32 - 0.5;
  const fill = (pointer, length) => {
    const floats = new Float32Array(faiss.memory.buffer, pointer, length);
    for (let i = 0; i < length; i++) floats[i] = random();
  };
  const index = faiss.fm_create(DIMENSION);
  const rows = new DataView(faiss.memory.buffer, faiss.fm_resize(index, COUNT, COUNT));
  for (let row = 0; row < COUNT; row++) {
    const start = row * (4 + DIMENSION);
    rows.setFloat32(start, 0.01 + random() / 100, true);
    for (let i = 0; i < DIMENSION; i++) rows.setInt8(start + 4 + i, Math.round(random() * 254));
  }
  const indexes = faiss.malloc(4);
  new DataView(faiss.memory.buffer).setUint32(indexes, index, true);
  const query = faiss.malloc(DIMENSION * 4);
  const found = faiss.malloc(DEPTH * 12);
  const everyThird = faiss.malloc(Math.ceil(COUNT / 8));
  new Uint8Array(faiss.memory.buffer, everyThird, Math.ceil(COUNT / 8)).forEach((_, i, bits) => {
    bits[i] = 0b01001001;
  });
  const digest = createHash('sha256');
  for (let round = 0; round < 50; round++) {
    fill(query, DIMENSION);
    const allowed = round % 2 === 0 ? 0 : everyThird;
    const [scores, positions] = [found + DEPTH * 8, found];
    if (faiss.fm_search(indexes, 1, query, DEPTH, allowed, scores, positions) !== 0) throw new Error('search failed');
    digest.update(new Uint8Array(faiss.memory.buffer, found, DEPTH * 12).slice());
  }
  return digest.digest('hex');
}

const committed = open(import.meta.dirname);
const rebuilt = open(resolve(process.argv[2] ?? '.'));
const same = {
  interface: committed.interface === rebuilt.interface,
  searches: answers(committed) === answers(rebuilt),
};
console.log(`bytes identical: ${committed.bytes.equals(rebuilt.bytes)}`);
for (const [what, equal] of Object.entries(same)) console.log(`${what} the same: ${equal}`);
process.exitCode = Object.values(same).every(Boolean) ? 0 : 1;
