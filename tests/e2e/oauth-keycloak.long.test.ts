import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { answerIn } from '../helpers/auth/browser-person.ts';
import { REDIRECT } from '../helpers/auth/oauth-requests.ts';
import { connectBySignIn, RememberingProvider } from '../helpers/auth/sdk-client.ts';
import { hasBrowser, launchBrowser } from '../helpers/browser.ts';
import { httpClient } from '../helpers/http-client.ts';
import { launchServer, type RunningHttpServer } from '../helpers/http-server.ts';
import { freePort } from '../helpers/servers/free-port.ts';
import {
  isKeycloakRequired,
  type Keycloak,
  keycloakFolder,
  startKeycloak,
} from '../helpers/servers/keycloak.ts';

const folder = keycloakFolder();
const CLIENT = 'a-program';
const PEOPLE = [
  { name: 'ada', roles: ['memory-admins'] },
  { name: 'bob', roles: [] },
];

test(`Keycloak is ${folder === undefined ? 'left out: KEYCLOAK_HOME names no folder' : 'there'}`, () => {
  expect(folder !== undefined || !isKeycloakRequired()).toBe(true);
});

/** As docs/sign-in.md says it: scopes with an audience mapper, and one public client with PKCE. */
function realm(audience: string): object {
  const scopes = ['memory:read', 'memory:write'].map((name) => ({
    name,
    protocol: 'openid-connect',
    attributes: { 'include.in.token.scope': 'true' },
    protocolMappers: [
      {
        name: 'audience',
        protocol: 'openid-connect',
        protocolMapper: 'oidc-audience-mapper',
        config: { 'included.custom.audience': audience, 'access.token.claim': 'true' },
      },
    ],
  }));
  return {
    clientScopes: scopes,
    roles: { realm: [{ name: 'memory-admins' }] },
    clients: [
      {
        clientId: CLIENT,
        publicClient: true,
        redirectUris: [REDIRECT],
        attributes: { 'pkce.code.challenge.method': 'S256' },
        optionalClientScopes: ['memory:read', 'memory:write', 'offline_access'],
        protocolMappers: [
          // A realm with scopes of its own has none of the usual ones, of which "basic" has this.
          {
            name: 'sub',
            protocol: 'openid-connect',
            protocolMapper: 'oidc-sub-mapper',
            config: { 'access.token.claim': 'true' },
          },
          {
            name: 'roles',
            protocol: 'openid-connect',
            protocolMapper: 'oidc-usermodel-realm-role-mapper',
            config: { 'claim.name': 'realm_access.roles', multivalued: 'true', 'access.token.claim': 'true' },
          },
        ],
      },
    ],
    users: PEOPLE.map(({ name, roles }) => ({
      ...{ username: name, firstName: name, lastName: 'Test', email: `${name}@example.org`, enabled: true },
      emailVerified: true,
      credentials: [{ type: 'password', value: 'a password', temporary: false }],
      realmRoles: [...roles, 'offline_access'],
    })),
  };
}

describe.runIf(folder !== undefined && hasBrowser)('a Keycloak', () => {
  let keycloak: Keycloak;
  let browser: Browser;
  beforeAll(async () => {
    [keycloak, browser] = await Promise.all([startKeycloak(folder ?? ''), launchBrowser()]);
  }, 450_000);
  afterAll(async () => {
    await browser.close();
    await keycloak.stop();
  });

  async function startServerAt(
    issuer: (address: string) => Promise<string>,
    env: Readonly<Record<string, string>> = {},
  ): Promise<RunningHttpServer> {
    const port = String(await freePort());
    const server = await launchServer({
      args: ['--port', port],
      env: {
        ...{ MEMORY_AUTH: 'oidc', MEMORY_AUTH_ISSUER: await issuer(`http://127.0.0.1:${port}`) },
        MEMORY_AUTH_GROUPS_CLAIM: 'realm_access.roles',
        ...env,
      },
    });
    onTestFinished(async () => {
      await server.stop();
    });
    return server;
  }

  const signInAs = (name: string) => async (page: Page) => {
    await page.locator('#username').fill(name);
    await page.locator('#password').fill('a password');
    await page.locator('#kc-login').click();
  };

  async function connect(server: RunningHttpServer, name: string) {
    const context = await browser.newContext();
    onTestFinished(() => context.close());
    const page = await context.newPage();
    const provider = new RememberingProvider({ client: { client_id: CLIENT } });
    return connectBySignIn(server.address, (url) => answerIn(page, url, signInAs(name)), { provider });
  }

  test('signs a client of SDK v2 in, whose tokens are for this server and can be refreshed', async () => {
    const server = await startServerAt((address) => keycloak.createRealm(realm(address)));
    const { call, provider } = await connect(server, 'ada');
    expect((await call('memory_add', { text: 'Signed in at Keycloak' })).isError).toBe(false);
    const before = provider.known;
    provider.known = { ...before, access_token: 'a.b.c', token_type: 'Bearer' };
    expect((await call('memory_search', { query: 'Keycloak' })).text).toContain('Signed in at Keycloak');
    expect(provider.known.access_token).not.toBe('a.b.c');
  });

  test('decides by roles who may write, and its tokens for another server are refused', async () => {
    const rules = { MEMORY_AUTH_GROUP_SCOPES: 'memory-admins=memory:write,*=memory:read' };
    let issuer = '';
    const server = await startServerAt(async (address) => {
      issuer = await keycloak.createRealm(realm(address));
      return issuer;
    }, rules);
    const { client, provider } = await connect(server, 'bob');
    const names = (await client.listTools()).tools.map(({ name }) => name);
    expect([names.includes('memory_search'), names.includes('memory_add')]).toEqual([true, false]);
    expect((await (await connect(server, 'ada')).call('memory_add', { text: 'By a role' })).isError).toBe(
      false,
    );
    const other = await startServerAt(() => Promise.resolve(issuer), rules);
    const token = { Authorization: `Bearer ${provider.known?.access_token ?? ''}` };
    expect((await httpClient(server.address, token).get('/stats')).status).toBe(200);
    const refused = await httpClient(other.address, token).get('/stats');
    expect([refused.status, refused.data['detail']]).toEqual([
      401,
      expect.stringContaining('another server'),
    ]);
  });
});
