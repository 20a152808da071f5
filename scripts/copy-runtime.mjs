// Copies the files that the WebAssembly embedding runtime needs from onnxruntime-web into dist/runtime/, so that users
// do not have to install the whole package (139 MB).
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

const from = join('node_modules', 'onnxruntime-web', 'dist');
const SCRIPT = 'ort-wasm-simd-threaded.mjs';
const PROGRAM = 'ort-wasm-simd-threaded.wasm';
/** Bytes of a function of the program. One is larger: it makes the list of all operators, once. */
const LARGEST = 512 * 1024;
const PART = 32 * 1024;

/** The splitter is TypeScript, because its test is. */
async function loadSplitter() {
  const [program] = buildSync({
    entryPoints: [join('scripts', 'wasm', 'split-functions.ts')],
    bundle: true,
    format: 'esm',
    platform: 'node',
    write: false,
  }).outputFiles;
  const url = `data:text/javascript;base64,${Buffer.from(program.contents).toString('base64')}`;
  return (await import(url)).splitLargeFunctions;
}

/** @param {string} to target folder */
export async function copyRuntime(to) {
  mkdirSync(to, { recursive: true });
  // This is the build for Node. The builds for browsers fetch their threads' code by URL, which Node cannot do for files.
  buildSync({
    entryPoints: [join(from, 'ort.node.min.mjs')],
    outfile: join(to, 'onnxruntime-web.mjs'),
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    banner: {
      js: '/*! ONNX Runtime Web. Copyright (c) Microsoft Corporation. MIT License, see LICENSE.txt */',
    },
    logLevel: 'warning',
  });
  copyFileSync(join(from, SCRIPT), join(to, SCRIPT));
  const splitLargeFunctions = await loadSplitter();
  const program = readFileSync(join(from, PROGRAM));
  writeFileSync(join(to, PROGRAM), splitLargeFunctions(program, { largest: LARGEST, part: PART }));
  copyFileSync(join('scripts', 'licences', 'onnxruntime.txt'), join(to, 'LICENSE.txt'));
}
