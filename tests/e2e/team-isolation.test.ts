import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HttpAnswer } from '../helpers/http-client.ts';
import { sendRaw } from '../helpers/raw-request.ts';
import {
  addMemory,
  apiOf,
  launchTeam,
  SHARED_TOKEN,
  type TestPerson,
  type TestTeam,
} from '../helpers/team.ts';

/** In Bob's memories only, and in no request. */
const SECRET = 'heliotrope-7731';
const WORDS = 'vault code';

let team: TestTeam;
let ada: TestPerson;
let bob: TestPerson;
let carol: TestPerson;
let bobsMemory: string;
interface Operation {
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: { readonly properties?: object } }>>;
  };
}

interface DescribedRoute {
  readonly method: string;
  readonly path: string;
  /** Of the body. */
  readonly fields: readonly string[];
}

let routes: readonly DescribedRoute[];

beforeAll(async () => {
  team = await launchTeam();
  [ada, bob, carol] = [await team.join('ada'), await team.join('bob'), await team.join('carol')];
  bobsMemory = await addMemory(bob.api, `The ${WORDS} is ${SECRET}`);
  await bob.api.post('/backup', {});
  await bob.api.post('/conversations', {
    client: 'test',
    session: 'talk',
    turns: [{ role: 'user', text: `my ${WORDS}: ${SECRET}` }],
  });
  await team.run('space', 'create', 'kitchen', '--owner', 'bob');
  await addMemory(bob.api, `Kitchen ${WORDS} ${SECRET}`, '/spaces/kitchen');
  const { data } = await ada.api.get('/openapi.json');
  routes = Object.entries(data['paths'] as Record<string, Record<string, Operation>>).flatMap(
    ([path, methods]) =>
      Object.entries(methods).map(([method, { requestBody }]) => ({
        ...{ method: method.toUpperCase(), path },
        fields: Object.keys(requestBody?.content['application/json']?.schema.properties ?? {}),
      })),
  );
}, 60_000);
afterAll(async () => {
  await team.server.stop();
  expect(team.server.stderr()).not.toContain(SECRET);
});

/** A request that would be about Bob's memories if it could. */
async function attempt(
  person: { readonly token: string },
  { method, path, fields }: DescribedRoute,
  prefix = '',
): Promise<HttpAnswer> {
  const names: Record<string, string> = { id: bobsMemory, space: 'bob', person: 'bob', snapshot: 'latest' };
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => names[name] ?? 'talk');
  const values: Record<string, unknown> = {
    ...{ query: WORDS, text: WORDS, id: bobsMemory, ids: [bobsMemory], memories: [{ text: 'x' }] },
    ...{
      spaces: ['bob'],
      to: 'ada',
      person: 'ada',
      role: 'owner',
      name: 'x',
      session: 'talk',
      snapshot: 'latest',
    },
    ...{ confirm: true, client: 'test', turns: [{ role: 'user', text: 'x' }] },
  };
  const body = Object.fromEntries(
    Object.entries(values).filter(([name]) => fields.includes(name) && !isCondition(path, name)),
  );
  const hasBody = method === 'POST' || method === 'PATCH';
  const api = apiOf(team.server.address, person.token);
  return api.send(prefix + filled, {
    method,
    headers: {
      Authorization: `Bearer ${person.token}`,
      ...(hasBody
        ? { 'Content-Type': path.endsWith('/import') ? 'application/x-ndjson' : 'application/json' }
        : {}),
    },
    ...(hasBody ? { body: path.endsWith('/import') ? '{"text":"x"}' : JSON.stringify(body) } : {}),
  });
}

/** Of a search, which would then find nothing. */
function isCondition(path: string, name: string): boolean {
  return path.endsWith('/search') && ['session', 'client'].includes(name);
}

describe('a stranger', () => {
  test('never sees a memory of another person, whatever the route', async () => {
    const shown = await bob.api.get(`/memory/${bobsMemory}`);
    expect(shown.text).toContain(SECRET);
    expect(routes.length).toBeGreaterThan(40);
    for (const route of routes) {
      const { text } = await attempt(ada, route);
      expect([route, text.includes(SECRET)]).toEqual([route, false]);
    }
  }, 120_000);

  test.each(['bob', 'kitchen'])(
    'hears of no route that the space %s is there',
    async (space) => {
      const unknown = await attempt(
        ada,
        { method: 'GET', path: '/memories', fields: [] },
        '/spaces/no-such-space',
      );
      expect(unknown.status).toBe(404);
      const inSpaces = routes.filter(
        ({ path }) => !/^\/(health|metrics|spaces|me|tokens|invitations)(\/|$)/.test(path),
      );
      expect(inSpaces.length).toBeGreaterThanOrEqual(30);
      for (const route of inSpaces) {
        const { status, data } = await attempt(ada, route, `/spaces/${space}`);
        expect([route, status, data['code']]).toEqual([route, 404, 'NOT_FOUND']);
      }
      for (const path of [
        'members',
        'audit',
        '../bob/memories',
        '%62ob/memories',
        'bob%2Fmemories',
        'BOB/memories',
      ]) {
        const { status, text } = await sendRaw(team.server.address, {
          method: 'GET',
          path: `/spaces/${path.includes('b') || path.includes('B') ? path : `${space}/${path}`}`,
          headers: { Authorization: `Bearer ${ada.token}` },
        });
        expect([path, status, text.includes(SECRET)]).toEqual([path, 404, false]);
      }
    },
    120_000,
  );

  test('is refused when one of several spaces is not allowed', async () => {
    const both = await ada.api.post('/search', { query: WORDS, spaces: ['ada', 'bob'] });
    expect([both.status, both.data['code']]).toEqual([404, 'NOT_FOUND']);
    const copied = await ada.api.post('/spaces/ada/copy', { ids: [bobsMemory], to: 'bob' });
    expect(copied.status).toBe(404);
  });
});

describe('roles in a shared space', () => {
  test('a reader reads, a writer writes, and each change counts from the next request on', async () => {
    const members = '/spaces/kitchen/members';
    const read = (): Promise<HttpAnswer> => carol.api.get('/spaces/kitchen/memories');
    const write = (): Promise<HttpAnswer> =>
      carol.api.post('/spaces/kitchen/memory/add', { text: `note ${Date.now()}` });
    const statuses = async (): Promise<number[]> => [(await read()).status, (await write()).status];
    expect(await statuses()).toEqual([404, 404]);
    expect((await bob.api.post(members, { person: 'carol', role: 'reader' })).status).toBe(200);
    expect(await statuses()).toEqual([200, 403]);
    expect((await bob.api.get('/spaces/kitchen/audit')).text).toContain(
      '"action":"space.write","count":0,"refused":"FORBIDDEN"',
    );
    expect((await carol.api.get(`/spaces/kitchen/audit`)).status).toBe(403);
    expect((await carol.api.post(members, { person: 'carol', role: 'owner' })).status).toBe(403);
    expect((await bob.api.post(members, { person: 'carol', role: 'writer' })).status).toBe(200);
    expect(await statuses()).toEqual([200, 201]);
    expect((await carol.api.remove('/spaces/kitchen')).status).toBe(403);
    expect((await bob.api.remove(`${members}/carol`)).status).toBe(200);
    expect(await statuses()).toEqual([404, 404]);
    const last = await bob.api.remove(`${members}/bob`);
    expect([last.status, last.data['detail']]).toEqual([403, 'bob is the only owner of the space kitchen']);
  });

  test('a token to read reads in every space, and manages nothing', async () => {
    const reading = apiOf(team.server.address, await team.tokenOf('bob', '--scope', 'read'));
    expect((await reading.get('/memories')).text).toContain(SECRET);
    expect((await reading.post('/memory/add', { text: 'x' })).status).toBe(403);
    expect((await reading.post('/spaces/kitchen/memory/add', { text: 'x' })).status).toBe(403);
    const writing = apiOf(team.server.address, await team.tokenOf('bob', '--scope', 'write'));
    expect((await writing.post('/memory/add', { text: 'written with a token' })).status).toBe(201);
    for (const api of [reading, writing]) {
      expect((await api.post('/tokens', { name: 'more', scope: 'admin' })).status).toBe(403);
      expect((await api.post('/spaces', { id: 'more' })).status).toBe(403);
      expect((await api.post('/spaces/kitchen/members', { person: 'ada', role: 'reader' })).status).toBe(403);
      expect((await api.remove('/spaces/kitchen?confirm=true')).status).toBe(403);
    }
  });
});

describe('the shared token of the server', () => {
  test('goes on using the memories of the data folder, and no others', async () => {
    const shared = apiOf(team.server.address, SHARED_TOKEN);
    await addMemory(shared, 'kept in the data folder itself');
    expect((await shared.get('/memories')).data['total']).toBe(1);
    expect((await shared.get('/spaces/default/memories')).data['total']).toBe(1);
    expect((await shared.get('/spaces/bob/memories')).status).toBe(404);
    expect((await ada.api.get('/spaces/default/memories')).status).toBe(404);
    await team.run('space', 'grant', 'default', 'ada', '--role', 'reader');
    expect((await ada.api.get('/spaces/default/memories')).text).toContain('kept in the data folder itself');
    expect((await shared.remove('/spaces/default?confirm=true')).status).toBe(403);
  });
});
