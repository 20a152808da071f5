import { existsSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { packagePath } from '../../src/util/package-path.ts';
import { McpProcess, type McpProcessOptions } from '../helpers/mcp-process.ts';
import { temporaryFolder } from '../helpers/sqlite-store.ts';

function start(options: Partial<McpProcessOptions> = {}): McpProcess {
  const server = new McpProcess({ dataDir: temporaryFolder(), ...options });
  onTestFinished(() => {
    server.child.kill('SIGKILL');
  });
  return server;
}

function helperProgram(name: string): string {
  return packagePath('tests', 'helpers', 'programs', name);
}

async function count(dataDir: string): Promise<unknown> {
  const server = start({ dataDir });
  await server.initialize();
  const { result } = await server.callTool('memory_stats', {});
  server.input.end();
  await server.ended;
  return (result?.['structuredContent'] as { live: number }).live;
}

describe('what comes before the first call', () => {
  it('opens no store for the handshake and the lists', async () => {
    const dataDir = `${temporaryFolder()}/not-there-yet`;
    const server = start({ dataDir, env: { HOME: '/nonexistent' } });
    await server.initialize();
    for (const method of ['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list']) {
      expect(await server.request(method)).toHaveProperty('result');
    }
    expect(existsSync(dataDir)).toBe(false);
    server.input.end();
    expect(await server.ended).toBe(0);
    expect(existsSync(dataDir)).toBe(false);
  });
});

describe('stdout', () => {
  it('carries nothing but JSON-RPC, whatever dependencies print', async () => {
    const server = start({ env: { NODE_OPTIONS: `--import=${helperProgram('noise.mjs')}` } });
    await server.initialize();
    server.child.kill('SIGUSR2');
    await server.callTool('memory_add', { text: 'Ada likes tea\nand cake' });
    for (let call = 0; call < 20; call++) await server.callTool('memory_search', { query: 'tea' });
    server.input.end();
    expect(await server.ended).toBe(0);

    expect(server.stderr).toContain('noise by console.log');
    expect(server.stderr).toContain('noise by stdout.write');
    expect(server.stdout).not.toContain('noise');
    expect(server.messages.map(({ jsonrpc, id }) => [jsonrpc, id])).toEqual(
      Array.from({ length: 22 }, (_, index) => ['2.0', index + 1]),
    );
    expect(server.stdout).toBe(server.messages.map((message) => `${JSON.stringify(message)}\n`).join(''));
  });

  it('survives lines that are not JSON-RPC', async () => {
    const server = start();
    await server.initialize();
    server.input.write('hello\n{"jsonrpc":"1.0"}\n\n[]\n');
    expect(await server.request('ping')).toMatchObject({ result: {} });
    server.input.end();
    expect(await server.ended).toBe(0);
  });

  it('goes on when nobody reads stderr', async () => {
    const server = start({ env: { NODE_OPTIONS: `--import=${helperProgram('noise.mjs')}` } });
    server.child.stderr.destroy();
    await server.initialize();
    server.child.kill('SIGUSR2');
    for (let call = 0; call < 20; call++) {
      expect(await server.callTool('memory_list', {})).toHaveProperty('result');
    }
    server.input.end();
    expect(await server.ended).toBe(0);
  });
});

describe('the end of a server', () => {
  it('answers everything that came before the end of stdin, then ends', async () => {
    const dataDir = temporaryFolder();
    const server = start({ dataDir });
    void server.initialize();
    for (let index = 0; index < 30; index++) {
      server.post('tools/call', { name: 'memory_add', arguments: { text: `fact number ${index}` } });
    }
    server.input.end();
    expect(await server.ended).toBe(0);
    expect(server.messages.filter(({ result }) => result !== undefined)).toHaveLength(31);
    expect(await count(dataDir)).toBe(30);
  });

  it('ends at once when stdin is empty', async () => {
    const server = start();
    server.input.end();
    expect(await server.ended).toBe(0);
    expect(server.stdout).toBe('');
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('ends orderly on %s', async (signal) => {
    const dataDir = temporaryFolder();
    const server = start({ dataDir });
    await server.initialize();
    await server.callTool('memory_add', { text: 'kept' });
    server.child.kill(signal);
    expect(await server.ended).toBe(0);
    expect(await count(dataDir)).toBe(1);
  });

  it('keeps every acknowledged write when a signal comes in between', async () => {
    const dataDir = temporaryFolder();
    const server = start({ dataDir });
    await server.initialize();
    const first = server.callTool('memory_add', { text: 'fact number 0' });
    for (let index = 1; index < 50; index++) {
      server.post('tools/call', { name: 'memory_add', arguments: { text: `fact number ${index}` } });
    }
    await first;
    server.child.kill('SIGTERM');
    expect(await server.ended).toBe(0);
    const acknowledged = server.messages.filter(({ result }) => result?.['structuredContent'] !== undefined);
    expect(acknowledged.length).toBeGreaterThan(0);
    expect(await count(dataDir)).toBeGreaterThanOrEqual(acknowledged.length);
  });

  it('ends when nobody reads its answers any more', async () => {
    const server = start();
    await server.initialize();
    server.child.stdout.destroy();
    // The server learns of it when it writes.
    server.post('ping', {});
    expect(await server.ended).toBe(0);
    expect(server.stderr).toBe('');
  });
});

describe('two servers on one data folder', () => {
  it('start at once and find what the other adds', async () => {
    const dataDir = temporaryFolder();
    const [first, second] = [start({ dataDir }), start({ dataDir })];
    await Promise.all([first.initialize(), second.initialize()]);
    const adds = [first, second].flatMap((server, machine) =>
      Array.from({ length: 10 }, (_, index) =>
        server.callTool('memory_add', { text: `fact ${index} of server ${machine}` }),
      ),
    );
    for (const answer of await Promise.all(adds)) expect(answer.result).not.toHaveProperty('isError');
    await first.callTool('memory_add', { text: 'The zeppelin lands at noon' });
    const found = await second.callTool('memory_search', { query: 'zeppelin' });
    expect(JSON.stringify(found.result)).toContain('lands at noon');
    expect((await second.callTool('memory_stats', {})).result).toMatchObject({
      structuredContent: { live: 21 },
    });
  });
});
