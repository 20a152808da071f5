import { build } from 'esbuild';
import { expect, test } from 'vitest';

test('loads no provider’s library before it is used', async () => {
  const { metafile } = await build({
    entryPoints: ['src/blob/create-blob-store.ts', 'src/blob/probe/probe.ts'],
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    outdir: 'unused',
    write: false,
    metafile: true,
  });
  const libraries = Object.values(metafile.outputs)
    .flatMap((output) => output.imports)
    .filter(({ external, path }) => external === true && !path.startsWith('node:'));
  expect([...new Set(libraries.map(({ path }) => path))].sort()).toEqual([
    '@aws-sdk/client-s3',
    '@azure/storage-blob',
    '@google-cloud/storage',
  ]);
  expect(libraries.filter(({ kind }) => kind !== 'dynamic-import')).toEqual([]);
});
