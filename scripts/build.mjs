// Builds dist/: ES modules bundled by esbuild with shared chunks (start-up time), types by tsc.
import { rmSync, existsSync } from 'node:fs';
import { build } from 'esbuild';
import { copyRuntime } from './copy-runtime.mjs';

const entryPoints = [
  'src/bin/faiss-memory.ts',
  'src/index.ts',
  'src/testing.ts',
  'src/embedding/embedding-worker.ts',
  'src/store/store-worker.ts',
].filter((file) => existsSync(file));
rmSync('dist', { recursive: true, force: true });
await build({
  entryPoints,
  outbase: 'src',
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  chunkNames: 'chunks/[name]-[hash]',
  logLevel: 'warning',
});
copyRuntime();
