// Copies the files that the WebAssembly embedding runtime needs from onnxruntime-web into dist/runtime/, so that users
// do not have to install the whole package (139 MB).
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

const from = join('node_modules', 'onnxruntime-web', 'dist');
const FILES = ['ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'];

/** @param {string} to target folder */
export function copyRuntime(to) {
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
  for (const name of FILES) copyFileSync(join(from, name), join(to, name));
  copyFileSync(join('scripts', 'licences', 'onnxruntime.txt'), join(to, 'LICENSE.txt'));
}
