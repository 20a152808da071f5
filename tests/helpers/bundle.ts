import { join } from 'node:path';
import { build } from 'esbuild';
import { packagePath } from '../../src/util/package.ts';

/** Bundles a TypeScript program of the tests so that Node 20 can run it; returns its path. */
export async function bundleProgram(entry: string): Promise<string> {
  const outfile = packagePath('.cache', 'test-programs', `${entry.replaceAll(/[/\\.]/g, '-')}.mjs`);
  await build({
    entryPoints: [packagePath(...join('tests', entry).split('/'))],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
  });
  return outfile;
}
