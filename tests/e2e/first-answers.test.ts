import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/server';
import { describe, expect, test } from 'vitest';
import { RawServer } from '../helpers/mcp/raw-server.ts';
import { PROGRAM, temporaryFolder } from '../helpers/mcp/server-environment.ts';

function start(protocolVersion: string, params: object = {}): object {
  const clientInfo = { name: 'test', version: '1' };
  return { protocolVersion, capabilities: {}, clientInfo, ...params };
}

/** The start of a client that the program's kept answers are not for, so that the server gives its own. */
const UNUSUAL = { _meta: {} };

function request(id: number, method: string, params: object = {}): object {
  return { jsonrpc: '2.0', id, method, params };
}

/** Sends all messages in one write, closes stdin, and returns every line of stdout. */
async function exchange(messages: readonly object[]): Promise<unknown[]> {
  const server = new RawServer(temporaryFolder());
  server.child.stdin.end(messages.map((message) => `${JSON.stringify(message)}\n`).join(''));
  expect(await server.exited).toEqual({ code: 0, signal: null });
  return server.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

const INITIALIZED = { jsonrpc: '2.0', method: 'notifications/initialized' };

test.each(SUPPORTED_PROTOCOL_VERSIONS)('the kept answers are those of the server: %s', async (version) => {
  const rest = [INITIALIZED, request(2, 'tools/list')];
  const kept = await exchange([request(1, 'initialize', start(version)), ...rest]);
  const given = await exchange([request(1, 'initialize', start(version, UNUSUAL)), ...rest]);
  expect(kept).toEqual(given);
  expect(kept).toHaveLength(2);
});

test('a client that leaves right after the kept answers costs no more than them', async () => {
  const server = new RawServer(temporaryFolder());
  await server.initialize();
  server.child.stdin.end();
  expect(await server.exited).toEqual({ code: 0, signal: null });
  expect(server.stderr).toBe('');
});

describe('behind the kept answers', () => {
  test('the server answers in order, each request once', async () => {
    const answers = await exchange([
      request(1, 'initialize', start('2025-06-18')),
      INITIALIZED,
      request(2, 'tools/list'),
      request(3, 'ping'),
      request(4, 'tools/list'),
      request(1, 'tools/call', { name: 'memory_add', arguments: { text: 'Ada likes tea' } }),
    ]);
    expect(answers.map((answer) => (answer as { id: number }).id)).toEqual([1, 2, 3, 4, 1]);
    expect(JSON.stringify(answers[4])).toContain('structuredContent');
    expect((answers[3] as { result: unknown }).result).toEqual((answers[1] as { result: unknown }).result);
  });

  test('the server goes on with the session, and answers another start itself', async () => {
    const server = new RawServer(temporaryFolder());
    const kept = await server.request('initialize', start('2025-06-18'));
    server.send(INITIALIZED);
    await server.request('tools/list');
    expect(await server.request('initialize', start('2025-06-18'))).toEqual(kept);
    expect(await server.request('ping')).toEqual({});
    expect((await server.call('memory_stats')).isError).toBe(false);
  });
});

test('the start, and a hook, read one file beside the program, without the SDK', () => {
  const program = readFileSync(PROGRAM, 'utf8');
  const chunks = join(PROGRAM, '..', '..', 'chunks');
  const imported = [...program.matchAll(/\.\.\/chunks\/([\w.-]+)/g)].map(([, name = '']) => name);
  expect(imported.map((name) => name.replace(/-\w+\.js$/, ''))).toEqual(['run-hook', 'main']);
  for (const name of imported) {
    const text = readFileSync(join(chunks, name), 'utf8');
    expect(text).not.toMatch(/^(import|export)[^;]* from "\.{1,2}\//m);
    expect(text).not.toContain('InitializeRequestSchema');
    expect(statSync(join(chunks, name)).size).toBeLessThan(200_000);
  }
});
