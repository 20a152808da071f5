import { describe, expect, test } from 'vitest';
import { bodyGuard } from '../../../src/http/guards/limit-guards.ts';
import { hostGuard, originGuard } from '../../../src/http/guards/host-and-origin-guard.ts';
import {
  requireAccess,
  serverTokens,
  tokenGuard,
  type Tokens,
} from '../../../src/http/guards/token-guard.ts';
import { SecretString } from '../../../src/util/secret-string.ts';
import { codeOf, guardedApp } from '../../helpers/guarded-app.ts';

type Headers = Readonly<Record<string, string>>;

describe('hostGuard', () => {
  function answer(host: string, rules: { host: string; allowedHosts?: string[] }): Promise<string> {
    const { app } = guardedApp(hostGuard({ allowedHosts: [], ...rules }));
    app.get('/', (context) => context.text('in'));
    return codeOf(app.request('/', { headers: { Host: host } }));
  }

  test('lets in names of this machine, at a loopback address', async () => {
    for (const host of ['127.0.0.1:8765', 'localhost', '[::1]:1']) {
      expect(await answer(host, { host: '127.0.0.1' })).toBe('200');
    }
    for (const host of ['evil.test', '192.168.1.5', '', 'localhost:x']) {
      expect(await answer(host, { host: '127.0.0.1' })).toBe('403 HOST_NOT_ALLOWED');
    }
  });

  test('lets in addresses too, in a network, and no names but its own', async () => {
    for (const host of [
      '192.168.1.5:8765',
      '[fe80::1]:80',
      'localhost',
      'nas.local',
      'NAS.local:1',
      'memory.test',
    ]) {
      expect(await answer(host, { host: 'nas.local', allowedHosts: ['memory.test'] })).toBe('200');
    }
    for (const host of ['evil.test', 'nas.local.evil.test', 'a.nas.local', '1.2.3.4.evil.test', '0x7f.1']) {
      expect(await answer(host, { host: '0.0.0.0', allowedHosts: ['nas.local'] })).toBe(
        '403 HOST_NOT_ALLOWED',
      );
    }
  });

  test('quotes no control characters of the name', async () => {
    const { app } = guardedApp(hostGuard({ host: '127.0.0.1', allowedHosts: [] }));
    const refused = await app.request('/', { headers: { Host: `evil\u009b${'x'.repeat(500)}` } });
    const { detail } = (await refused.json()) as { detail: string };
    expect(detail.length).toBeLessThan(200);
    expect(detail).not.toContain('\u009b');
  });
});

describe('originGuard', () => {
  function request(
    headers: Headers,
    allowed: readonly string[] = [],
    path = '/stats',
    method = 'GET',
  ): Promise<Response> {
    const { app } = guardedApp(originGuard(allowed));
    app.all('*', (context) => context.text('in'));
    return Promise.resolve(
      app.request(`http://localhost:8765${path}`, {
        method,
        headers: { Host: 'localhost:8765', ...headers },
      }),
    );
  }

  test.each<[string, Headers]>([
    ['a program', {}],
    ['its own page', { Origin: 'http://localhost:8765', 'Sec-Fetch-Site': 'same-origin' }],
    ['its own page behind a proxy that speaks TLS', { Origin: 'https://localhost:8765' }],
    ['an address that somebody typed', { 'Sec-Fetch-Site': 'none', 'Sec-Fetch-Mode': 'navigate' }],
    ['an image of its own page', { 'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Dest': 'image' }],
  ])('lets in %s', async (_, headers) => {
    const answer = await request(headers);
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, null]);
  });

  test('knows its own origin at the usual ports, where it has none', async () => {
    for (const [host, origin] of [
      ['nas', 'http://nas'],
      ['nas:80', 'http://nas'],
      ['nas:443', 'https://nas'],
    ] as const) {
      expect((await request({ Host: host, Origin: origin })).status).toBe(200);
    }
    expect((await request({ Host: 'nas:8080', Origin: 'http://nas' })).status).toBe(403);
  });

  test.each<[string, Headers]>([
    ['another page', { Origin: 'http://evil.test' }],
    ['another port', { Origin: 'http://localhost:8766' }],
    ['another name of this machine', { Origin: 'http://127.0.0.1:8765' }],
    ['no origin', { Origin: 'null' }],
    ['an origin with a path', { Origin: 'http://localhost:8765/' }],
    ['an origin with a user', { Origin: 'http://user@localhost:8765' }],
    ['another kind of page', { Origin: 'file://localhost:8765' }],
    [
      'an image elsewhere',
      { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' },
    ],
    [
      'a frame elsewhere',
      { 'Sec-Fetch-Site': 'same-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'iframe' },
    ],
  ])('refuses %s', async (_, headers) => {
    expect(await codeOf(request(headers))).toBe('403 ORIGIN_NOT_ALLOWED');
  });

  test('lets a link lead to the page only, and by GET only', async () => {
    const link = {
      'Sec-Fetch-Site': 'cross-site',
      'Sec-Fetch-Mode': 'navigate',
      'Sec-Fetch-Dest': 'document',
    };
    expect((await request(link, [], '/')).status).toBe(200);
    expect((await request(link, [], '/?a=b')).status).toBe(200);
    expect((await request(link, [], '/export')).status).toBe(403);
    expect((await request(link, [], '/', 'POST')).status).toBe(403);
  });

  test('gives CORS headers to the origins that are allowed, and to no others', async () => {
    const allowed = ['https://notes.example.org'];
    const answer = await request({ Origin: 'https://notes.example.org' }, allowed);
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://notes.example.org');
    expect(answer.headers.get('access-control-expose-headers')).toContain('Mcp-Session-Id');
    for (const origin of ['https://notes.example.org.evil.test', 'https://NOTES.example.org', 'null']) {
      const refused = await request({ Origin: origin }, allowed);
      expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([403, null]);
    }
  });
});

describe('tokenGuard', () => {
  const both: Tokens = {
    token: new SecretString('the-token-to-write'),
    readToken: new SecretString('the-token-to-read'),
  };

  function answer(tokens: Tokens, headers: Headers): Promise<string> {
    const { app } = guardedApp(tokenGuard(serverTokens(tokens)));
    app.get('/', (context) => context.text('read'));
    app.post('/', (context) => {
      requireAccess(context, 'write');
      return context.text('written');
    });
    const codes = ['GET', 'POST'].map((method) => codeOf(app.request('/', { method, headers })));
    return Promise.all(codes).then((all) => all.join());
  }

  test.each<[string, Headers, string]>([
    ['no token', {}, '401 UNAUTHORIZED,401 UNAUTHORIZED'],
    ['the token', { Authorization: 'Bearer the-token-to-write' }, '200,200'],
    ['spaces around it', { Authorization: 'Bearer   the-token-to-write ' }, '200,200'],
    ['the API key', { 'X-API-Key': 'the-token-to-write' }, '200,200'],
    ['the token to read', { Authorization: 'Bearer the-token-to-read' }, '200,403 FORBIDDEN'],
    ['the API key to read', { 'X-API-Key': 'the-token-to-read' }, '200,403 FORBIDDEN'],
    [
      'a wrong bearer and a right key',
      { Authorization: 'Bearer wrong', 'X-API-Key': 'the-token-to-write' },
      '401 UNAUTHORIZED,401 UNAUTHORIZED',
    ],
    [
      'two tokens in one',
      { Authorization: 'Bearer the-token-to-write the-token-to-read' },
      '401 UNAUTHORIZED,401 UNAUTHORIZED',
    ],
    ['the prototype', { 'X-API-Key': '__proto__' }, '401 UNAUTHORIZED,401 UNAUTHORIZED'],
  ])('with %s', async (_, headers, codes) => {
    expect(await answer(both, headers)).toBe(codes);
  });

  test('lets everybody do everything when there is no token', async () => {
    expect(await answer({ token: undefined, readToken: undefined }, {})).toBe('200,200');
  });
});

describe('bodyGuard', () => {
  function send(body: ReadableStream<Uint8Array> | string, headers: Headers): Promise<string> {
    const { app } = guardedApp(bodyGuard((path) => (path === '/large' ? 100 : 10)));
    app.post('*', async (context) => context.text(await context.req.text()));
    return codeOf(app.request('/small', { method: 'POST', headers, body, duplex: 'half' }));
  }

  function chunks(count: number): { stream: ReadableStream<Uint8Array>; sent: () => number } {
    let sent = 0;
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent === count) controller.close();
        else controller.enqueue(new Uint8Array(4).fill(97));
        sent += 1;
      },
    });
    return { stream, sent: () => sent };
  }

  test('refuses an announced length without reading', async () => {
    expect(await send('12345678901', { 'Content-Length': '11' })).toBe('413 REQUEST_TOO_LARGE');
    expect(await send('1234567890', { 'Content-Length': '10' })).toBe('200');
  });

  test('refuses a body of unknown length as soon as it is too long, and reads the rest away', async () => {
    const chunked = { 'Transfer-Encoding': 'chunked' };
    expect(await send(chunks(2).stream, chunked)).toBe('200');
    const long = chunks(20);
    expect(await send(long.stream, chunked)).toBe('413 REQUEST_TOO_LARGE');
    await expect.poll(long.sent).toBeGreaterThan(20);
  });

  test('has another limit for another path', async () => {
    const { app } = guardedApp(bodyGuard((path) => (path === '/large' ? 100 : 10)));
    app.post('*', (context) => context.text('in'));
    const options = { method: 'POST', headers: { 'Content-Length': '50' }, body: 'a'.repeat(50) };
    expect((await app.request('/large', options)).status).toBe(200);
    expect((await app.request('/large/', options)).status).toBe(413);
  });
});
