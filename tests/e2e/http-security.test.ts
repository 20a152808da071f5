import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { everyRoute, type KnownRoute } from '../helpers/every-route.ts';
import { httpClient } from '../helpers/http-client.ts';
import { launchServer, type RunningHttpServer, startServer } from '../helpers/http-server.ts';
import { type RawAnswer, sendBytes, sendRaw } from '../helpers/raw-request.ts';

let server: RunningHttpServer;
let routes: readonly KnownRoute[];
beforeAll(async () => {
  server = await launchServer();
  routes = await everyRoute(server.address);
  expect(routes.length).toBeGreaterThan(35);
});
afterAll(async () => {
  // Nothing of all that was refused has left a trace.
  expect((await httpClient(server.address).get('/stats')).data).toMatchObject({ live: 0, trash: 0 });
  expect((await httpClient(server.address).get('/backups')).data).toEqual({ backups: [] });
  await server.stop();
});

/** What a server says to each of its routes when these headers come along. */
async function answersTo(
  headers: Readonly<Record<string, string>>,
  address = server.address,
): Promise<(readonly [route: string, code: string])[]> {
  const answers: (readonly [string, string])[] = [];
  for (const { method, path, headers: usual, body } of routes) {
    const request = {
      method,
      path,
      headers: { ...usual, ...headers },
      ...(body === undefined ? {} : { body }),
    };
    answers.push([`${method} ${path}`, codeOf(await sendRaw(address, request))]);
  }
  return answers;
}

function codeOf({ status, text }: RawAnswer): string {
  const { code = '' } = text.startsWith('{') ? (JSON.parse(text) as { code?: string }) : {};
  return `${status} ${code}`;
}

function allRefusedWith(code: string): (readonly [string, string])[] {
  return routes.map(({ method, path }) => [`${method} ${path}`, code]);
}

const portOf = (address: string): string => new URL(address).port;

describe('a request that names another host', () => {
  test.each([
    'evil.test',
    'evil.test:80',
    '127.0.0.1.evil.test',
    'localhost.evil.test',
    'localhost.',
    'evil.test:8765@127.0.0.1',
    '127.0.0.1@evil.test',
    '0.0.0.0',
    '192.168.1.5',
    '[::ffff:192.168.1.5]',
    'localhost,evil.test',
    'xn--localhost-x',
  ])('is refused at every route (%j)', async (host) => {
    for (const [route, code] of await answersTo({ Host: host })) {
      // Some are not even a host; then the request is none.
      expect([route, code]).toEqual([route, expect.stringMatching(/^(403 HOST_NOT_ALLOWED|400 )$/)]);
    }
  });

  test('is answered when it is a name of this machine, with any port', async () => {
    const names = [
      '127.0.0.1',
      'localhost',
      'LOCALHOST:1',
      '127.0.0.5',
      '[::1]',
      '[::1]:8765',
      '127.0.0.1:65535',
    ];
    for (const name of names) {
      const answer = await sendRaw(server.address, {
        method: 'GET',
        path: '/stats',
        headers: { Host: name },
      });
      expect([name, answer.status]).toEqual([name, 200]);
    }
  });

  test('is answered when the settings allow the name', async () => {
    const { address } = await startServer({ env: { MEMORY_HTTP_ALLOWED_HOSTS: 'Memory.Home.Arpa, nas' } });
    const statuses = async (host: string): Promise<number> =>
      (await sendRaw(address, { method: 'GET', path: '/stats', headers: { Host: host } })).status;
    expect(await statuses('memory.home.arpa')).toBe(200);
    expect(await statuses('MEMORY.home.arpa:80')).toBe(200);
    expect(await statuses('nas')).toBe(200);
    expect(await statuses('a.memory.home.arpa')).toBe(403);
    expect(await statuses('home.arpa')).toBe(403);
  });

  test('is not believed because of another header, or of the whole address in the line of the request', async () => {
    for (const header of ['X-Forwarded-Host', 'Forwarded', 'X-Host', 'X-Original-Host']) {
      const headers = {
        Host: 'evil.test',
        [header]: header === 'Forwarded' ? 'host=localhost' : 'localhost',
      };
      expect(codeOf(await sendRaw(server.address, { method: 'GET', path: '/stats', headers }))).toBe(
        '403 HOST_NOT_ALLOWED',
      );
    }
    const path = `http://127.0.0.1:${portOf(server.address)}/stats`;
    const answer = await sendRaw(server.address, { method: 'GET', path, headers: { Host: 'evil.test' } });
    expect(codeOf(answer)).toBe('403 HOST_NOT_ALLOWED');
  });
});

describe('a request that names no host', () => {
  test.each([
    'GET /stats HTTP/1.0',
    'GET /stats HTTP/1.1',
    'GET /stats HTTP/1.0\r\nHost:',
    'GET /stats HTTP/1.1\r\nHost:',
  ])('is refused (%j)', async (head) => {
    const answer = await sendBytes(server.address, `${head}\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 (400|403) /);
    expect(answer).not.toContain('"live"');
  });
});

describe('a request of a page of another origin', () => {
  test.each([
    'http://evil.test',
    'https://localhost.evil.test',
    'null',
    'http://127.0.0.1:1',
    'http://localhost',
    'http://127.0.0.1',
    'file://',
    'chrome-extension://abcdefgh',
    'nonsense',
    '',
  ])('is refused at every route, without CORS headers (%j)', async (origin) => {
    expect(await answersTo({ Origin: origin })).toEqual(allRefusedWith('403 ORIGIN_NOT_ALLOWED'));
    const answer = await sendRaw(server.address, {
      method: 'GET',
      path: '/stats',
      headers: { Origin: origin },
    });
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
  });

  test.each(['cross-site', 'same-site'])('is refused without an Origin too (%s)', async (site) => {
    for (const [mode, destination] of [
      ['no-cors', 'image'],
      ['no-cors', 'script'],
      ['navigate', 'iframe'],
    ] as const) {
      const headers = { 'Sec-Fetch-Site': site, 'Sec-Fetch-Mode': mode, 'Sec-Fetch-Dest': destination };
      expect(await answersTo(headers)).toEqual(allRefusedWith('403 ORIGIN_NOT_ALLOWED'));
    }
  });

  test('may be a link to the page, and to nothing else', async () => {
    const headers = {
      'Sec-Fetch-Site': 'cross-site',
      'Sec-Fetch-Mode': 'navigate',
      'Sec-Fetch-Dest': 'document',
    };
    const answers = new Map(await answersTo(headers));
    expect(answers.get('GET /')).toBe('200 ');
    answers.delete('GET /');
    expect(new Set(answers.values())).toEqual(new Set(['403 ORIGIN_NOT_ALLOWED']));
  });

  test('is refused before a preflight can allow it', async () => {
    for (const { path } of routes) {
      const headers = {
        Origin: 'http://evil.test',
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'content-type',
        'Access-Control-Request-Private-Network': 'true',
      };
      const answer = await sendRaw(server.address, { method: 'OPTIONS', path, headers });
      expect([path, codeOf(answer)]).toEqual([path, '403 ORIGIN_NOT_ALLOWED']);
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
    }
  });

  test('is another one than those of its own page', async () => {
    for (const name of ['127.0.0.1', 'localhost', '[::1]']) {
      const host = `${name}:${portOf(server.address)}`;
      const headers = { Host: host, Origin: `http://${host}`, 'Sec-Fetch-Site': 'same-origin' };
      expect(codeOf(await sendRaw(server.address, { method: 'GET', path: '/stats', headers }))).toBe('200 ');
    }
  });
});
