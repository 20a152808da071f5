// Builds dist/: ES modules bundled by esbuild with shared chunks (start-up time), types by tsc.
//   node scripts/build.mjs [--no-types] [--source-maps]
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundlePackages, writeLicences } from './bundle-packages.mjs';
import { buildPage } from './build-page.mjs';
import { copyRuntime } from './copy-runtime.mjs';
import { writeFirstAnswers } from './first-answers.mjs';
import { copyTogether, joinStart } from './join-start.mjs';

const REQUIRE =
  "import { createRequire as createRequireOfNode } from 'node:module'; const require = createRequireOfNode(import.meta.url);";
const fresh = join('.cache', `dist-${process.pid}`);
const { metafile } = await build({
  entryPoints: [
    'src/bin/faiss-memory.ts',
    'src/index.ts',
    'src/testing.ts',
    'src/embedding/embedding-worker.ts',
    'src/store/worker/server.ts',
    'src/store/try-folder.ts',
  ],
  outbase: 'src',
  outdir: fresh,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  plugins: [bundlePackages],
  // Bundled CommonJS packages load modules of Node with `require`.
  banner: { js: REQUIRE },
  metafile: true,
  sourcemap: process.argv.includes('--source-maps'),
  chunkNames: 'chunks/[name]-[hash]',
  logLevel: 'warning',
});
await copyTogether(metafile, { entryPoint: 'src/cli/hooks/run-hook.ts', banner: REQUIRE });
await joinStart(metafile, { entryPoint: 'src/cli/main.ts', banner: REQUIRE });
escapeForeignCharacters(fresh);
const page = await buildPage(join(fresh, 'ui'));
writeLicences([metafile, page], join(fresh, 'THIRD-PARTY-LICENSES.txt'));
await copyRuntime(join(fresh, 'runtime'));
if (!process.argv.includes('--no-types')) {
  const tsc = join('node_modules', 'typescript', 'bin', 'tsc');
  const options = ['-p', 'tsconfig.build.json', '--emitDeclarationOnly', '--outDir', fresh];
  const types = spawnSync(process.execPath, [tsc, ...options], { stdio: 'inherit' });
  if (types.status !== 0) {
    rmSync(fresh, { recursive: true });
    process.exit(1);
  }
}
// The renames make sure that a server that starts now finds a complete folder.
const old = join('.cache', `dist-old-${process.pid}`);
mkdirSync('dist', { recursive: true });
renameSync('dist', old);
renameSync(fresh, 'dist');
rmSync(old, { recursive: true, force: true });
// Now, because its threads run programs of this folder; without the file the server itself answers.
writeFirstAnswers(join('dist', 'bin', 'faiss-memory.js'), join('dist', 'runtime', 'first-answers.json'));

/**
 * V8 keeps the text of a program, with two bytes for each character once there is one beyond Latin-1. The bundler leaves such
 * characters in comments and in regular expressions, where an escape means the same, but not behind a backslash.
 * @param {string} folder
 */
function escapeForeignCharacters(folder) {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.js')) continue;
    const file = join(folder, name);
    const text = readFileSync(file, 'utf8');
    if (/\braw`[^`]*[^\0-\x7f]/.test(text))
      throw new Error(`${file} has a foreign character in a raw template, where an escape is another text`);
    if (/(?<!\\)(?:\\\\)*\\[^\0-\x7f]/.test(text))
      throw new Error(`${file} has a foreign character behind a backslash`);
    const escaped = text.replace(
      /[^\0-\x7f]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
    if (escaped !== text) writeFileSync(file, escaped);
  }
}
