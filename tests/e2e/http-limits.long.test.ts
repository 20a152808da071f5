import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { httpClient } from '../helpers/http-client.ts';
import { startServer } from '../helpers/http-server.ts';
import { sendBytes, sendRaw } from '../helpers/raw-request.ts';

describe('the rate limit', () => {
  test('turns away what comes too often, and says when to come again', async () => {
    const { address } = await startServer({ env: { MEMORY_HTTP_RATE_LIMIT: '5' } });
    const api = httpClient(address);
    for (let count = 0; count < 5; count += 1) expect((await api.get('/stats')).status).toBe(200);
    for (const path of ['/stats', '/', '/mcp', '/no/such/path']) {
      const answer = await api.get(path);
      expect(answer).toMatchObject({
        status: 429,
        data: {
          code: 'RATE_LIMITED',
          retryable: true,
          detail: 'More than 5 requests a minute came from this address',
          fix: 'Wait, or raise MEMORY_HTTP_RATE_LIMIT.',
        },
      });
      const seconds = Number(answer.headers.get('retry-after'));
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThanOrEqual(60);
    }
  });

  test('is not escaped by headers that name another address', async () => {
    const { address } = await startServer({ env: { MEMORY_HTTP_RATE_LIMIT: '2' } });
    const statuses: number[] = [];
    for (const client of ['1.2.3.4', '1.2.3.5', '1.2.3.6', '1.2.3.7']) {
      const headers = {
        'X-Forwarded-For': client,
        'X-Real-IP': client,
        Forwarded: `for=${client}`,
        'CF-Connecting-IP': client,
      };
      statuses.push((await sendRaw(address, { method: 'GET', path: '/stats', headers })).status);
    }
    expect(statuses).toEqual([200, 200, 429, 429]);
  });

  test('can be switched off', async () => {
    const { address } = await startServer({ env: { MEMORY_HTTP_RATE_LIMIT: '0' } });
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => httpClient(address).get('/health/live')),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(answers[0]?.headers.get('ratelimit')).toBeNull();
  });
});

describe('connections that send slowly, or nothing', () => {
  async function open(address: string, bytes: string): Promise<Socket> {
    const { hostname, port } = new URL(address);
    const socket = connect({ host: hostname, port: Number(port) });
    // The server may end it at any time.
    socket.on('error', () => undefined);
    onTestFinished(() => {
      socket.destroy();
    });
    await once(socket, 'connect');
    socket.write(bytes);
    return socket;
  }

  const BEGUN = [
    '',
    'GET /stats HT',
    'GET /stats HTTP/1.1\r\nHost: localhost\r\nX-Slow: ',
    'POST /memory/add HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"text":',
    'POST /import HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab',
  ];

  /** The place of the first one above whose headers are whole. */
  const FIRST_REQUEST = 3;
  /** How long requests under way may take when the server is asked to stop. */
  const FINISH_LIMIT_MS = 20_000;

  test('keep nobody else waiting, and not the end of the server either', async () => {
    const server = await startServer();
    const sockets = await Promise.all(
      Array.from({ length: 200 }, (_, index) => open(server.address, BEGUN[index % BEGUN.length] ?? '')),
    );
    const api = httpClient(server.address);
    expect((await api.post('/memory/add', { text: 'while others are slow' })).status).toBe(201);
    // A body that breaks off adds nothing, and is no failure of the server.
    for (const socket of sockets.slice(0, 100)) socket.destroy();
    expect((await api.get('/stats')).data['live']).toBe(1);
    expect(server.stderr()).not.toContain('ERROR');
    // Requests that have begun get their time; connections that carry none do not keep the server.
    sockets.forEach((socket, index) => {
      if (index % BEGUN.length >= FIRST_REQUEST) socket.destroy();
    });
    const start = performance.now();
    expect(await server.stop()).toBe(0);
    expect(performance.now() - start).toBeLessThan(FINISH_LIMIT_MS / 2);
  });

  test.each([
    ['a line that is none', 'HELLO\r\n\r\n', /^HTTP\/1\.1 400 /],
    [
      'headers without end',
      `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`,
      /^HTTP\/1\.1 431 /,
    ],
    [
      'two lengths',
      'POST /search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      /^HTTP\/1\.1 400 /,
    ],
    [
      'a length and chunks',
      'POST /search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      /^HTTP\/1\.1 400 /,
    ],
    ['a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', /^HTTP\/1\.1 400 /],
    [
      'a step upwards',
      'GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      /^HTTP\/1\.1 404 /,
    ],
    [
      'a hidden step upwards',
      'GET /ui/%2e%2e%2fpackage.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      /^HTTP\/1\.1 404 /,
    ],
    [
      'a backslash',
      'GET /ui/..\\package.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      /^HTTP\/1\.1 40[04] /,
    ],
    ['a NUL', 'GET /stats%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', /^HTTP\/1\.1 404 /],
  ])('and %s are answered, and the server goes on', async (_, bytes, status) => {
    const server = await startServer();
    expect(await sendBytes(server.address, bytes)).toMatch(status);
    expect((await httpClient(server.address).get('/health')).status).toBe(200);
    expect(server.stderr()).not.toContain('ERROR');
    expect(server.stdout()).toBe('');
  });
});
