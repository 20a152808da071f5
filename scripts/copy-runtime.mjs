// Copies what the WebAssembly embedding runtime needs from onnxruntime-web into dist/runtime/, so that users do not
// install the whole package (139 MB).
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const from = join('node_modules', 'onnxruntime-web');
const FILES = ['ort.wasm.min.mjs', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'];

/** @param {string} to folder that gets the files */
export function copyRuntime(to) {
  mkdirSync(to, { recursive: true });
  for (const name of FILES) copyFileSync(join(from, 'dist', name), join(to, name));
  writeFileSync(
    join(to, 'NOTICE'),
    'These files are from onnxruntime-web, Copyright (c) Microsoft Corporation, MIT License: https://github.com/microsoft/onnxruntime\n',
  );
}
