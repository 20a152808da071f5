import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { everyRoute, type KnownRoute } from '../helpers/every-route.ts';
import { httpClient } from '../helpers/http-client.ts';
import { launchServer, type RunningHttpServer, startServer } from '../helpers/http-server.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { type RawAnswer, sendRaw } from '../helpers/raw-request.ts';

const TOKEN = 'write-0123456789abcdef';
const READ_TOKEN = 'read-0123456789abcdef';
const WRONG_TOKEN = 'wrong-0123456789abcdef';

let server: RunningHttpServer;
let routes: readonly KnownRoute[];
beforeAll(async () => {
  server = await launchServer({
    env: {
      MEMORY_HTTP_TOKEN: TOKEN,
      MEMORY_HTTP_READ_TOKEN: READ_TOKEN,
      MEMORY_LOG_LEVEL: 'debug',
      MEMORY_LOG_FORMAT: 'json',
    },
  });
  routes = (await everyRoute(server.address, bearer(TOKEN))).filter(({ path }) => path !== '/sse');
});
afterAll(async () => {
  await server.stop();
  // After all that happened here: at the level that says most, none of them was said.
  expect(server.stderr()).toContain('a request was answered');
  for (const secret of [TOKEN, READ_TOKEN, WRONG_TOKEN]) expect(server.stderr()).not.toContain(secret);
  expect(server.stdout()).toBe('');
});

function bearer(token: string): Record<string, string> {
  return { Authorization: `Bearer ${token}` };
}

function send(route: KnownRoute, headers: Readonly<Record<string, string>>): Promise<RawAnswer> {
  const { method, path, body } = route;
  const all = { ...route.headers, ...headers };
  return sendRaw(server.address, { method, path, headers: all, ...(body === undefined ? {} : { body }) });
}

describe('with a token', () => {
  test.each<[string, Record<string, string>, string]>([
    ['no token', {}, 'The request has no token'],
    ['a wrong token', bearer(WRONG_TOKEN), 'The token is not the one of this server'],
    ['a wrong API key', { 'X-API-Key': WRONG_TOKEN }, 'The token is not the one of this server'],
    ['a part of the token', bearer(TOKEN.slice(0, -1)), 'The token is not the one of this server'],
    ['more than the token', bearer(`${TOKEN}x`), 'The token is not the one of this server'],
    ['the token in capitals', bearer(TOKEN.toUpperCase()), 'The token is not the one of this server'],
    [
      'an empty token',
      { Authorization: 'Bearer ', 'X-API-Key': '' },
      'The token is not the one of this server',
    ],
    ['another scheme', { Authorization: `Basic ${btoa(`user:${TOKEN}`)}` }, 'The request has no token'],
    ['the token in a cookie', { Cookie: `token=${TOKEN}` }, 'The request has no token'],
  ])('every route but the page and its health refuses %s', async (_, headers, detail) => {
    for (const route of routes) {
      const name = `${route.method} ${route.path}`;
      const answer = await send(route, headers);
      if (route.needs === 'nothing') {
        expect([name, answer.status]).toEqual([name, 200]);
        continue;
      }
      expect([name, answer.status, JSON.parse(answer.text)]).toMatchObject([
        name,
        401,
        {
          code: 'UNAUTHORIZED',
          detail,
          fix: 'Send "Authorization: Bearer <token>" with the token from MEMORY_HTTP_TOKEN.',
        },
      ]);
      expect(answer.headers['www-authenticate']).toBe('Bearer realm="faiss-memory"');
    }
  });

  test('no route takes it from the address, where logs and histories would keep it', async () => {
    for (const name of ['token', 'access_token', 'api_key', 'X-API-Key']) {
      const answer = await sendRaw(server.address, { method: 'GET', path: `/stats?${name}=${WRONG_TOKEN}` });
      expect(answer.status).toBe(401);
    }
  });

  test.each<[string, Record<string, string>]>([
    ['as a bearer token', bearer(TOKEN)],
    ['with the scheme in lower case', { Authorization: `bearer ${TOKEN}` }],
    ['as an API key', { 'X-API-Key': TOKEN }],
  ])('every route is open to it %s', async (_, headers) => {
    for (const route of routes) {
      const { status } = await send(route, headers);
      expect([route.path, [401, 403].includes(status)]).toEqual([route.path, false]);
    }
  });
});

describe('with the token to read', () => {
  test('every route that changes something is forbidden, whatever the request says', async () => {
    const api = httpClient(server.address, bearer(TOKEN));
    const before = (await api.get('/stats')).data;
    for (const route of routes) {
      const { status, text } = await send(route, bearer(READ_TOKEN));
      const name = `${route.method} ${route.path}`;
      if (route.needs === 'write')
        expect([name, status, text]).toEqual([name, 403, expect.stringContaining('FORBIDDEN')]);
      else expect([name, status === 401 || status === 403]).toEqual([name, false]);
    }
    expect((await api.get('/stats')).data).toEqual(before);
  });

  test('MCP has no tools that change something', async () => {
    const toolsOf = async (token: string): Promise<string[]> => {
      const headers = {
        ...bearer(token),
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
      };
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
      const { text } = await sendRaw(server.address, { method: 'POST', path: '/mcp', headers, body });
      return [...text.matchAll(/"name":"((?:memory|sync)_\w+)"/g)].map(([, name = '']) => name);
    };
    const reading = await toolsOf(READ_TOKEN);
    expect(await toolsOf(TOKEN)).toEqual(expect.arrayContaining([...reading, 'memory_add', 'memory_delete']));
    expect(reading).toContain('memory_search');
    expect(reading).not.toContain('memory_add');
    expect(reading).not.toContain('memory_delete');
  });
});

describe('a token in a file', () => {
  test('is read without the line feed at its end', async () => {
    const file = join(temporaryFolder(), 'token');
    writeFileSync(file, `${TOKEN}\n`);
    const { address } = await startServer({ env: { MEMORY_HTTP_TOKEN_FILE: file } });
    expect((await httpClient(address, bearer(TOKEN)).get('/stats')).status).toBe(200);
    expect((await httpClient(address).get('/stats')).status).toBe(401);
  });
});

describe('without a token', () => {
  test('a token that is sent all the same does no harm', async () => {
    const { address } = await startServer();
    expect((await httpClient(address, bearer(WRONG_TOKEN)).get('/stats')).status).toBe(200);
  });
});
