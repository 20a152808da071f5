// Builds the web page: one script, one style sheet, one HTML file.
import { copyFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const SOURCES = join('src', 'ui');

/** @returns esbuild's metafile */
export async function buildPage(folder) {
  const { metafile } = await build({
    entryPoints: [join(SOURCES, 'app.tsx'), join(SOURCES, 'app.css')],
    outdir: folder,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    metafile: true,
    logLevel: 'warning',
  });
  for (const name of readdirSync(SOURCES).filter((file) => /\.(html|svg)$/.test(file))) {
    copyFileSync(join(SOURCES, name), join(folder, name));
  }
  return metafile;
}
