import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Client as ClientV2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ListRootsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { expect, onTestFinished, test } from 'vitest';
import { PROGRAM, serverEnvironment, temporaryFolder } from '../helpers/mcp/server-environment.ts';

const INFO = { name: 'faiss-memory-tests', version: '1.0.0' };
/** The project is found, not named. */
const FOUND = { MEMORY_PROJECT: '' } as const;

/** A folder in a repository with this remote. */
function folderIn(remote: string): string {
  const root = temporaryFolder();
  for (const folder of ['objects', 'refs']) mkdirSync(join(root, '.git', folder), { recursive: true });
  writeFileSync(join(root, '.git', 'HEAD'), 'ref: refs/heads/main\n');
  writeFileSync(join(root, '.git', 'config'), `[remote "origin"]\n\turl = https://${remote}.git\n`);
  const inside = join(root, 'src');
  mkdirSync(inside);
  return inside;
}

function command(dataDir: string, cwd: string, ...args: string[]): Record<string, unknown> {
  const env = serverEnvironment(dataDir, FOUND);
  const { stdout } = spawnSync(process.execPath, [PROGRAM, ...args, '--json'], {
    env,
    cwd,
    encoding: 'utf8',
  });
  return JSON.parse(stdout) as Record<string, unknown>;
}

test('the roots of a client name its project, again when they change', async () => {
  const dataDir = temporaryFolder();
  let roots = [folderIn('example.org/ada/notes')];
  const client = new ClientV1(INFO, { capabilities: { roots: { listChanged: true } } });
  client.setRequestHandler(ListRootsRequestSchema, () => ({
    roots: roots.map((root) => ({ uri: pathToFileURL(root).href })),
  }));
  const env = serverEnvironment(dataDir, FOUND);
  const cwd = folderIn('example.org/ada/elsewhere');
  await client.connect(new StdioV1({ command: process.execPath, args: [PROGRAM], env, cwd }));
  onTestFinished(() => client.close());
  const add = async (text: string): Promise<void> => {
    await client.callTool({ name: 'memory_add', arguments: { text } });
  };
  await add('The build runs in make');
  roots = [folderIn('example.org/ada/site')];
  await client.sendRootsListChanged();
  await add('The build runs in npm');
  const { structuredContent } = await client.callTool({
    name: 'memory_search',
    arguments: { query: 'where does the build run' },
  });
  expect(structuredContent).toMatchObject({
    hits: [
      { text: 'The build runs in npm', project: 'example.org/ada/site' },
      { text: 'The build runs in make', project: 'example.org/ada/notes', other_project: true },
    ],
  });
});

test('a client that names no folder works in that of the server, and so does a command', async () => {
  const dataDir = temporaryFolder();
  const cwd = folderIn('example.org/ada/notes');
  const client = new ClientV2(INFO, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
  const env = serverEnvironment(dataDir, FOUND);
  await client.connect(new StdioV2({ command: process.execPath, args: [PROGRAM], env, cwd }));
  onTestFinished(() => client.close());
  await client.callTool({ name: 'memory_add', arguments: { text: 'The build runs in make' } });
  await client.callTool({ name: 'memory_add', arguments: { text: 'Ada likes tea', project: '*' } });
  expect(command(dataDir, cwd, 'list', '--project', 'example.org/ada/notes')).toMatchObject({
    memories: [{ text: 'The build runs in make' }],
    total: 1,
  });
  const elsewhere = folderIn('example.org/ada/site');
  expect(command(dataDir, elsewhere, 'search', 'build')).toMatchObject({ hits: [{ other_project: true }] });
  expect(command(dataDir, elsewhere, 'search', 'build', '--project', '*')).not.toMatchObject({
    hits: [{ other_project: true }],
  });
  command(dataDir, elsewhere, 'add', 'The site is static');
  command(dataDir, temporaryFolder(), 'add', 'Bob likes milk');
  const { memories } = command(dataDir, cwd, 'list', '--order', 'oldest') as {
    memories: { metadata?: { project?: string } }[];
  };
  expect(memories.map(({ metadata }) => metadata?.project)).toEqual([
    'example.org/ada/notes',
    undefined,
    'example.org/ada/site',
    undefined,
  ]);
});

test('a package of a repository is a project when that is set, and has the facts of the repository', () => {
  const dataDir = temporaryFolder();
  const root = join(folderIn('example.org/ada/mono'), '..');
  const packages = ['api', 'web'].map((name) => join(root, 'packages', name));
  for (const folder of packages) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{}');
  }
  const [api = '', web = ''] = packages;
  const env = { ...serverEnvironment(dataDir, FOUND), MEMORY_PROJECT_PACKAGES: 'true' };
  const run = (cwd: string, ...args: string[]): Record<string, unknown> => {
    const { stdout } = spawnSync(process.execPath, [PROGRAM, ...args, '--json'], {
      env,
      cwd,
      encoding: 'utf8',
    });
    return JSON.parse(stdout) as Record<string, unknown>;
  };
  run(root, 'add', 'The port of the build is 1000');
  run(api, 'add', 'The port of the build is 2000');
  run(web, 'add', 'The port of the build is 3000');
  const others = (cwd: string): unknown[] => {
    const { hits } = run(cwd, 'search', 'port of the build', '--mode', 'hybrid');
    return (hits as Record<string, unknown>[])
      .filter((hit) => hit['other_project'] === true)
      .map((hit) => hit['project']);
  };
  expect(others(api)).toEqual(['example.org/ada/mono/packages/web']);
  expect(others(root)).toHaveLength(2);
  const { stdout: brief } = spawnSync(process.execPath, [PROGRAM, 'hook', 'session-start'], {
    ...{ env, cwd: api, encoding: 'utf8' as const },
    input: JSON.stringify({ cwd: api }),
  });
  expect(brief).toContain('1000');
  expect(brief).toContain('2000');
  expect(brief).not.toContain('3000');
});
