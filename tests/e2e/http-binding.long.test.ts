import { createServer } from 'node:http';
import { existsSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startServer } from '../helpers/http-server.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { runProgram } from '../helpers/run-program.ts';

const USAGE = 2;
const TOKEN = '0123456789abcdef0123';

/** Starts a server that should refuse to start, and returns why. */
async function refusal(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const dataDir = temporaryFolder();
  const run = await runProgram(['serve', '--http', '--port', '0', ...args], { dataDir, env });
  expect([run.code, run.stdout]).toEqual([USAGE, '']);
  expect(run.stderr).not.toContain('Memories at');
  return run.stderr;
}

/** Takes a port of this machine until the end of the test. */
async function takePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('an address that others can reach', () => {
  test.each([
    '0.0.0.0',
    '::',
    '192.0.2.1',
    'memory.example.org',
    '[::]',
    '128.0.0.1',
    '0',
    '127.0.0.1.example.org',
  ])('is refused without a token (%s)', async (host) => {
    const message = await refusal(['--host', host]);
    expect(message).toContain(
      `http.token is missing, and everybody who can reach ${host} could read and change the memories`,
    );
    expect(message).toContain('set MEMORY_HTTP_TOKEN or MEMORY_HTTP_TOKEN_FILE');
  });

  test('is refused by the environment too, and before anything listens', async () => {
    // Whoever listened first would fail with another message: the port is in use.
    const port = await takePort();
    const message = await refusal([], { MEMORY_HTTP_HOST: '0.0.0.0', MEMORY_HTTP_PORT: String(port) });
    expect(message).toContain('http.token is missing');
    expect(message).not.toContain('in use');
  });

  test('is refused with only the token to read', async () => {
    const message = await refusal(['--host', '0.0.0.0'], { MEMORY_HTTP_READ_TOKEN: TOKEN });
    expect(message).toContain('http.readToken is given without the token that allows everything');
    expect(message).not.toContain(TOKEN);
  });
});

describe('an address of this machine', () => {
  test.each([
    ['127.0.0.1', '127.0.0.1'],
    ['localhost', 'localhost'],
    ['127.0.0.2', '127.0.0.2'],
  ])('needs no token (%s), and nothing else is listened at', async (host, shown) => {
    const { address } = await startServer({ args: ['--host', host] });
    expect(address).toMatch(new RegExp(`^http://${shown}:\\d+$`));
    expect((await fetch(`${address}/health`)).status).toBe(200);
    // Loopback has many addresses; a server at all of them would answer at this one too.
    const socket = connect({ host: '127.0.0.77', port: Number(new URL(address).port) });
    await expect(once(socket, 'connect')).rejects.toThrow('ECONNREFUSED');
  });

  test('that is in use is named, with what to do', async () => {
    const port = await takePort();
    const message = await refusal(['--port', String(port)]);
    expect(message).toContain('http.port is in use by another program');
    expect(message).toContain(`127.0.0.1:${port}`);
    expect(message).toContain('choose another with --port or MEMORY_HTTP_PORT');
  });

  test('belongs to HTTP', async () => {
    const dataDir = temporaryFolder();
    for (const option of [
      ['--host', '127.0.0.1'],
      ['--port', '1'],
    ]) {
      const run = await runProgram(['serve', ...option], { dataDir });
      expect([run.code, run.stderr]).toEqual([
        USAGE,
        expect.stringContaining('--host and --port belong to --http'),
      ]);
    }
  });

  test.each([
    ['--port', '65536', 'http.port is "65536"'],
    ['--port', '-1', 'http.port is "-1"'],
    ['--port', 'http', 'http.port is "http"'],
    ['--host', '203.0.113.5', 'http.host is no address of this machine'],
  ])('must be one (%s %s)', async (option, value, message) => {
    const env = { MEMORY_HTTP_TOKEN: TOKEN };
    expect(await refusal([`${option}=${value}`], env)).toContain(message);
  });
});

describe('a token', () => {
  const file = (content: string | Uint8Array): string => {
    const path = join(temporaryFolder(), 'token');
    writeFileSync(path, content);
    return path;
  };

  test.each<[string, () => Record<string, string>, string]>([
    [
      'short',
      () => ({ MEMORY_HTTP_TOKEN: 'short' }),
      'http.token has 5 characters (environment variable MEMORY_HTTP_TOKEN); allowed are 16 or more',
    ],
    [
      'with spaces',
      () => ({ MEMORY_HTTP_TOKEN: 'a token with some spaces' }),
      'has characters that no header can carry',
    ],
    [
      'with other letters',
      () => ({ MEMORY_HTTP_TOKEN: 'schlüssel-schlüssel' }),
      'has characters that no header can carry',
    ],
    [
      'of two lines',
      () => ({ MEMORY_HTTP_TOKEN_FILE: file(`${TOKEN}\n${TOKEN}\n`) }),
      'has characters that no header can carry',
    ],
    [
      'of bytes',
      () => ({ MEMORY_HTTP_TOKEN_FILE: file(new Uint8Array(32).fill(0xff)) }),
      'has characters that no header can carry',
    ],
    ['in an empty file', () => ({ MEMORY_HTTP_TOKEN_FILE: file('\n') }), 'which is empty or cannot be read'],
    ['in no file', () => ({ MEMORY_HTTP_TOKEN_FILE: '/no/such/file' }), 'which is empty or cannot be read'],
    ['in a folder', () => ({ MEMORY_HTTP_TOKEN_FILE: '/' }), 'which is empty or cannot be read'],
    [
      'given twice',
      () => ({ MEMORY_HTTP_TOKEN: TOKEN, MEMORY_HTTP_TOKEN_FILE: file(TOKEN) }),
      'both directly and as a file',
    ],
    [
      'that is the one to read',
      () => ({ MEMORY_HTTP_TOKEN: TOKEN, MEMORY_HTTP_READ_TOKEN: TOKEN }),
      'is the same as http.token',
    ],
  ])('%s is refused without being shown', async (_, env, message) => {
    const given = env();
    const shown = await refusal([], given);
    expect(shown).toContain(message);
    for (const secret of [TOKEN, 'schlüssel', 'some spaces']) expect(shown).not.toContain(secret);
  });

  test('cannot come as an argument, where other users could see it', async () => {
    const message = await refusal(['--set', `http.token=${TOKEN}`]);
    expect(message).toContain('is a secret');
    expect(message).not.toContain(TOKEN);
  });
});

describe('a refused start', () => {
  test('has not even made the folder of the memories', async () => {
    const dataDir = temporaryFolder();
    await runProgram(['serve', '--http', '--host', '0.0.0.0'], { dataDir });
    expect(existsSync(join(dataDir, 'memories'))).toBe(false);
  });
});
