import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { unzipSync } from 'fflate';
import { expect, onTestFinished, test } from 'vitest';
import { serverEnvironment, temporaryFolder } from '../helpers/mcp/server-environment.ts';

interface Manifest {
  readonly version: string;
  readonly icon: string;
  readonly tools: readonly { readonly name: string }[];
  readonly server: { readonly mcp_config: { readonly args: string[]; readonly env: Record<string, string> } };
}

test(
  'a release has every artefact, and its bundle starts where it is unpacked',
  { timeout: 600_000 },
  async () => {
    const out = join(temporaryFolder(), 'release');
    execFileSync(process.execPath, [
      'scripts/run-ts.mjs',
      'scripts/release/release.ts',
      '--dry-run',
      '--out',
      out,
    ]);
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    const bundle = `faiss-memory-${version}.mcpb`;
    expect(readdirSync(out).sort()).toEqual(
      [
        'SHA256SUMS',
        'THIRD-PARTY-LICENSES.txt',
        `faiss-memory-${version}.cdx.json`,
        `faiss-memory-${version}.tgz`,
        'server.json',
        bundle,
      ].sort(),
    );
    for (const line of readFileSync(join(out, 'SHA256SUMS'), 'utf8').trim().split('\n')) {
      const [hash, name = ''] = line.split('  ');
      expect(
        createHash('sha256')
          .update(readFileSync(join(out, name)))
          .digest('hex'),
        name,
      ).toBe(hash);
    }
    const bill = readFileSync(join(out, `faiss-memory-${version}.cdx.json`), 'utf8');
    for (const name of ['commander', '%40aws-sdk/client-s3', 'hono', 'zod'])
      expect(bill).toContain(`pkg:npm/${name}@`);

    const folder = unpack(join(out, bundle));
    const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Manifest;
    expect(manifest.version).toBe(version);
    expect(readFileSync(join(folder, manifest.icon)).subarray(1, 4).toString()).toBe('PNG');
    const tools = await toolsOf(manifest, folder);
    expect(tools).toEqual(manifest.tools.map(({ name }) => name));
  },
);

function unpack(file: string): string {
  const folder = temporaryFolder();
  for (const [name, bytes] of Object.entries(unzipSync(new Uint8Array(readFileSync(file))))) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
  return folder;
}

/** A desktop client leaves the names of the fields that its user did not fill in. */
async function toolsOf({ server }: Manifest, folder: string): Promise<string[]> {
  const { args, env } = server.mcp_config;
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: args.map((argument) => argument.replace('${__dirname}', folder)),
    env: { ...serverEnvironment(temporaryFolder()), ...env },
    stderr: 'ignore',
  });
  const client = new Client({ name: 'faiss-memory-tests', version: '1.0.0' });
  onTestFinished(() => client.close());
  await client.connect(transport);
  return (await client.listTools()).tools.map(({ name }) => name);
}
