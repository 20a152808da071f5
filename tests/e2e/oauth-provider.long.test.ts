import { generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { FormBrowser } from '../helpers/auth/form-browser.ts';
import {
  type IdentityProvider,
  type IdentityProviderOptions,
  INTROSPECTOR,
  startIdentityProvider,
} from '../helpers/auth/identity-provider.ts';
import { connectBySignIn, RememberingProvider } from '../helpers/auth/sdk-client.ts';
import { httpClient, type HttpAnswer } from '../helpers/http-client.ts';
import { launchServer, type RunningHttpServer } from '../helpers/http-server.ts';
import { freePort } from '../helpers/servers/free-port.ts';

interface Pair {
  readonly idp: IdentityProvider;
  readonly server: RunningHttpServer;
}

async function launchPair(
  env: Readonly<Record<string, string>> = {},
  options: IdentityProviderOptions = {},
): Promise<Pair> {
  const idp = await startIdentityProvider(options);
  const server = await launchServer({
    args: ['--port', String(await freePort())],
    env: { MEMORY_AUTH: 'oidc', MEMORY_AUTH_ISSUER: idp.issuer, ...env },
  });
  return { idp, server };
}

async function endPair({ idp, server }: Pair): Promise<void> {
  await server.stop();
  await idp.stop();
}

async function pairForTest(...parameters: Parameters<typeof launchPair>): Promise<Pair> {
  const pair = await launchPair(...parameters);
  onTestFinished(() => endPair(pair));
  return pair;
}

/** Signs in at the pages of the provider, which any name and password open. */
const as =
  (name: string) =>
  async (url: URL): Promise<URL> => {
    const browser = new FormBrowser(url.origin);
    const consent = await browser.submit(await browser.open(url), { login: name, password: 'any' });
    return (await browser.submit(consent, {})).url;
  };

async function tokenOf(server: RunningHttpServer, name: string): Promise<string> {
  const provider = new RememberingProvider();
  // The answer of the server to the token is up to the test.
  await connectBySignIn(server.address, as(name), { provider }).catch(() => undefined);
  return provider.known?.access_token ?? '';
}

const stats = ({ address }: RunningHttpServer, token: string): Promise<HttpAnswer> =>
  httpClient(address, { Authorization: `Bearer ${token}` }).get('/stats');
const add = ({ address }: RunningHttpServer, token: string): Promise<HttpAnswer> =>
  httpClient(address, { Authorization: `Bearer ${token}` }).post('/memory/add', { text: 'A memory' });

describe('with signed tokens of another program', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await launchPair({ MEMORY_HTTP_TOKEN: 'a-shared-token-of-the-server' });
  });
  afterAll(() => endPair(pair));

  test('a client of SDK v2 that knows only the address signs in there, and works', async () => {
    const { call, provider } = await connectBySignIn(pair.server.address, as('ada'));
    expect(provider.sentTo?.origin).toBe(pair.idp.issuer);
    expect((await call('memory_add', { text: 'From a team' })).isError).toBe(false);
  });

  test('the shared token of the server stays valid beside them', async () => {
    expect((await stats(pair.server, 'a-shared-token-of-the-server')).status).toBe(200);
    expect((await stats(pair.server, 'another-token-of-the-server')).status).toBe(401);
  });

  test('the keys are read once, also when tokens of unknown keys come again and again', async () => {
    const token = await tokenOf(pair.server, 'ada');
    const { privateKey } = await generateKeyPair('RS256');
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const forged = await new SignJWT({ sub: 'ada', scope: 'memory:admin' })
        .setProtectedHeader({ alg: 'RS256', kid: `unknown-${attempt}` })
        .setIssuer(pair.idp.issuer)
        .setAudience(pair.server.address)
        .setExpirationTime('1h')
        .sign(privateKey);
      expect((await stats(pair.server, forged)).status).toBe(401);
      expect((await stats(pair.server, token)).status).toBe(200);
    }
    expect(pair.idp.keyReads()).toBe(1);
  });
});

test('known keys go on while the provider is down, and unknown tokens wait for it', async () => {
  const { idp, server } = await pairForTest();
  const token = await tokenOf(server, 'ada');
  expect((await stats(server, token)).status).toBe(200);
  await idp.stop();
  expect((await stats(server, token)).status).toBe(200);
  // A server that starts now knows no keys.
  const late = await launchServer({
    args: ['--port', new URL(server.address).port.replace(/.$/, (digit) => String((Number(digit) + 1) % 10))],
    env: { MEMORY_AUTH: 'oidc', MEMORY_AUTH_ISSUER: idp.issuer, MEMORY_PUBLIC_URL: server.address },
  });
  onTestFinished(async () => {
    await late.stop();
  });
  const refused = await stats(late, token);
  expect([refused.status, refused.data['code'], refused.headers.get('retry-after')]).toEqual([
    503,
    'AUTH_UNAVAILABLE',
    '5',
  ]);
  await idp.start();
  await expect.poll(async () => (await stats(late, token)).status).toBe(200);
});

describe('claims', () => {
  test('groups decide what a person may do, and a token never more than it names', async () => {
    const { server } = await pairForTest({
      MEMORY_AUTH_GROUPS_CLAIM: 'realm.groups',
      MEMORY_AUTH_GROUP_SCOPES: 'admins=memory:admin,team=memory:read',
    });
    const [ada, bob, eve] = await Promise.all(['ada', 'bob', 'eve'].map((name) => tokenOf(server, name)));
    expect((await add(server, ada ?? '')).status).toBe(201);
    expect((await stats(server, bob ?? '')).status).toBe(200);
    expect((await add(server, bob ?? '')).status).toBe(403);
    const { status, headers } = await stats(server, eve ?? '');
    expect(status).toBe(403);
    expect(headers.get('www-authenticate')).toContain('error="insufficient_scope"');
  });

  test('a token without the claim that names the person is refused', async () => {
    const { server } = await pairForTest({ MEMORY_AUTH_PERSON_CLAIM: 'employee' });
    const { status, data } = await stats(server, await tokenOf(server, 'ada'));
    expect([status, data['detail']]).toEqual([401, 'The token names no person in the claim "employee"']);
  });
});

describe('the audience', () => {
  test('of another server of the same provider is refused', async () => {
    const { server } = await pairForTest({}, { audience: 'https://mail.example.org' });
    const { status, data } = await stats(server, await tokenOf(server, 'ada'));
    expect([status, data['detail']]).toEqual([
      401,
      'The token is for another server: its audience is not this one',
    ]);
  });

  test('may be one that the settings name', async () => {
    const { server } = await pairForTest({ MEMORY_AUTH_AUDIENCE: 'other,memory' }, { audience: 'memory' });
    expect((await stats(server, await tokenOf(server, 'ada'))).status).toBe(200);
  });
});

describe('opaque tokens', () => {
  const ASKING = { MEMORY_AUTH_CLIENT_ID: INTROSPECTOR.id, MEMORY_AUTH_CLIENT_SECRET: INTROSPECTOR.secret };

  test('are looked up at the provider, once a minute at most', async () => {
    const { idp, server } = await pairForTest(ASKING, { format: 'opaque' });
    const { call, provider } = await connectBySignIn(server.address, as('ada'));
    const token = provider.known?.access_token ?? '';
    expect(token.split('.')).toHaveLength(1);
    expect((await call('memory_stats')).isError).toBe(false);
    for (let time = 0; time < 5; time += 1) expect((await stats(server, token)).status).toBe(200);
    expect(idp.questions()).toBe(1);
    expect((await stats(server, `${token}x`)).status).toBe(401);
  });

  test('of another audience are refused', async () => {
    const { server } = await pairForTest(ASKING, { format: 'opaque', audience: 'https://mail.example.org' });
    expect((await stats(server, await tokenOf(server, 'ada'))).data['detail']).toContain('another server');
  });

  test('are unknown to a server that may not ask', async () => {
    const { idp, server } = await pairForTest({}, { format: 'opaque' });
    expect((await stats(server, await tokenOf(server, 'ada'))).status).toBe(401);
    expect(idp.questions()).toBe(0);
  });
});
