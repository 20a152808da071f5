import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PROGRAM, serverEnvironment, temporaryFolder } from '../helpers/mcp/server-environment.ts';

/** The program of the MCP Inspector; its command line runs on every Node that this package supports. */
const INSPECTOR = join(
  dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/inspector/package.json')),
  'clients/launcher/build/index.js',
);

interface Inspection {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the Inspector against the built program. */
function inspect(folder: string, ...options: string[]): Promise<Inspection> {
  const { PATH = '', ...settings } = serverEnvironment(folder);
  const environment = Object.entries(settings).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  const parameters = [INSPECTOR, '--cli', ...environment, process.execPath, PROGRAM, ...options];
  return new Promise((resolve) => {
    execFile(process.execPath, parameters, { env: { PATH, HOME: folder } }, (error, stdout, stderr) => {
      resolve({
        code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1,
        stdout,
        stderr,
      });
    });
  });
}

describe('the MCP Inspector', () => {
  test('finds nothing to object to in the schemas, not even a warning', async () => {
    const { code, stdout, stderr } = await inspect(temporaryFolder(), '--method', 'tools/list', '--strict');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect((JSON.parse(stdout) as { tools: unknown[] }).tools).toHaveLength(10);
  });

  test('calls tools', async () => {
    const folder = temporaryFolder();
    const call = (tool: string, ...values: string[]) =>
      inspect(
        folder,
        '--method',
        'tools/call',
        '--tool-name',
        tool,
        ...values.flatMap((v) => ['--tool-arg', v]),
      );
    const added = await call('memory_add', 'text=Ada likes tea', 'tags=["drinks"]');
    expect(added).toMatchObject({ code: 0, stdout: expect.stringContaining('"outcome": "added"') as string });
    const found = await call('memory_search', 'query=tea', 'limit=1');
    expect(found).toMatchObject({ code: 0, stdout: expect.stringContaining('Ada likes tea') as string });
    const refused = await call('memory_search', 'query=tea', 'limit=1000');
    expect(refused.code).not.toBe(0);
    expect(refused.stdout).toContain('INVALID_INPUT');
  });

  test('lists and reads resources and prompts', async () => {
    const folder = temporaryFolder();
    const listed = await inspect(folder, '--method', 'resources/list');
    expect(listed).toMatchObject({ code: 0, stdout: expect.stringContaining('memory://recent') as string });
    const read = await inspect(folder, '--method', 'resources/read', '--uri', 'memory://stats');
    expect(read).toMatchObject({ code: 0, stdout: expect.stringContaining('live') as string });
    const prompts = await inspect(folder, '--method', 'prompts/list');
    expect(prompts).toMatchObject({ code: 0, stdout: expect.stringContaining('"topic"') as string });
  });
});
