import { win32 } from 'node:path';
import { expect, test } from 'vitest';
import { belongs } from '../../../src/cli/install/program-copy.ts';

const ROOT = 'C:\\Program Files\\faiss-memory';

test.each([
  ['', true],
  ['\\package.json', true],
  ['\\dist\\bin\\faiss-memory.js', true],
  ['\\node_modules\\zod', false],
  ['\\src\\logger.ts', false],
  ['\\vendor\\faiss-wasm\\faiss.wasm', true],
  ['\\vendor\\faiss-wasm\\build.sh', false],
])('on Windows %j of the program is copied: %s', (path, copied) => {
  // Node.js gives paths to the filter of `cp` in their long form.
  for (const root of [ROOT, `\\\\?\\${ROOT}`])
    expect(belongs(root + path, { name: 'faiss-memory', from: ROOT }, win32)).toBe(copied);
});
