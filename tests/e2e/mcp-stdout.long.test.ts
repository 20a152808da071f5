import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { RawServer } from '../helpers/mcp/raw-server.ts';
import { temporaryFolder, WITH_MODEL } from '../helpers/mcp/server-environment.ts';

const NOISY = {
  NODE_OPTIONS: `--import=${pathToFileURL(resolve('tests/helpers/mcp/noisy-preload.mjs')).href}`,
  MEMORY_LOG_LEVEL: 'debug',
};

const LISTS = [
  ['tools/list', 'tools'],
  ['prompts/list', 'prompts'],
  ['resources/list', 'resources'],
  ['resources/templates/list', 'resourceTemplates'],
] as const;

function expectOnlyMessages(stdout: string): void {
  expect(stdout.endsWith('\n')).toBe(true);
  for (const line of stdout.slice(0, -1).split('\n')) {
    expect(JSON.parse(line), line).toMatchObject({ jsonrpc: '2.0' });
  }
}

describe('stdout', () => {
  test('carries nothing but JSON-RPC, whatever dependencies print in the process and its threads', async () => {
    const server = new RawServer(temporaryFolder(), { ...WITH_MODEL, ...NOISY });
    await server.initialize();
    for (let index = 0; index < 20; index++) {
      await server.call('memory_add', { text: `fact ${index}` });
      await server.call('memory_stats');
    }
    await server.call('memory_search', { query: 'fact', mode: 'vector' });
    server.child.stdin.end();
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expectOnlyMessages(server.stdout);
    expect(server.stdout).not.toContain('noise');
    expect(server.stderr).toContain('noise from console.log');
    expect(server.stderr).toContain('noise in bytes');
  });

  test('carries nothing but JSON-RPC when calls fail and lines are no messages', async () => {
    const server = new RawServer(temporaryFolder(), { MEMORY_LOG_LEVEL: 'debug' });
    await server.initialize();
    server.child.stdin.write('not json\n\n[]\n{"jsonrpc":"2.0"}\n{"jsonrpc":"1.0","id":1,"method":"ping"}\n');
    await server.call('memory_get', { ids: ['nothing'] });
    await expect(server.request('no/such/method')).rejects.toThrow(/-32601/);
    expect((await server.call('memory_stats')).isError).toBe(false);
    server.child.stdin.end();
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expectOnlyMessages(server.stdout);
  });

  test('takes messages in any pieces, many at once, and with characters of several bytes', async () => {
    const server = new RawServer(temporaryFolder());
    await server.initialize();
    const text = 'Grüße 🙂 aus 東京';
    const call = { name: 'memory_add', arguments: { text } };
    const bytes = Buffer.from(
      `${JSON.stringify({ jsonrpc: '2.0', id: 900, method: 'tools/call', params: call })}\n`,
    );
    for (const byte of bytes) server.child.stdin.write(Buffer.of(byte));
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => server.call('memory_add', { text: `${text} ${index}` })),
    );
    expect(answers.every(({ isError }) => !isError)).toBe(true);
    expect((await server.call('memory_stats')).data).toMatchObject({ live: 51 });
    expect((await server.call('memory_search', { query: '東京', limit: 1 })).text).toContain(text);
  });

  test('goes on when nobody reads stderr', async () => {
    const server = new RawServer(temporaryFolder(), { ...WITH_MODEL, ...NOISY });
    server.child.stderr.destroy();
    await server.initialize();
    for (let index = 0; index < 10; index++) {
      expect((await server.call('memory_stats')).isError).toBe(false);
    }
    server.child.stdin.end();
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expectOnlyMessages(server.stdout);
  });
});

describe('the handshake and the lists', () => {
  test('need neither store nor model nor the data folder', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'file');
    writeFileSync(file, 'no folder');
    const server = new RawServer(folder, { ...WITH_MODEL, MEMORY_DATA_DIR: join(file, 'never') });
    await server.initialize();
    for (const [list, key] of LISTS) expect(await server.request(list)).toHaveProperty([key, 0]);
    const refused = await server.call('memory_search', {});
    expect([refused.isError, refused.text]).toEqual([true, expect.not.stringContaining(file)]);
    const { isError, text } = await server.call('memory_stats');
    expect([isError, text]).toEqual([true, expect.stringContaining(file)]);
  });

  test('make no data folder until the client wants to know the tools or calls one', async () => {
    const folder = temporaryFolder();
    const dataDir = join(folder, 'not-yet');
    const server = new RawServer(folder, { ...WITH_MODEL, MEMORY_DATA_DIR: dataDir });
    await server.initialize();
    for (const list of ['prompts/list', 'resources/list', 'resources/templates/list'])
      await server.request(list);
    await expect(server.request('ping')).resolves.toEqual({});
    expect(existsSync(dataDir)).toBe(false);
    await server.call('memory_stats');
    expect(existsSync(dataDir)).toBe(true);
  });
});
