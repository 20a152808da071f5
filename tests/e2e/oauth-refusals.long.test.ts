import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, importJWK, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SecretSeal } from '../../src/auth/embedded/secret-seal.ts';
import { KeyRing } from '../../src/auth/embedded/signing-keys.ts';
import { AUTH_DATABASE, SqliteAuthStore } from '../../src/auth/embedded/sqlite-auth-store.ts';
import { openDatabase } from '../../src/store/sqlite/engine.ts';
import { FormBrowser } from '../helpers/auth/form-browser.ts';
import {
  authorizationUrl,
  createPkce,
  REDIRECT,
  register,
  registered,
  signIn,
  token,
  type Tokens,
  visit,
} from '../helpers/auth/oauth-requests.ts';
import { addAccount, launchSignInServer, PASSWORD, PERSON } from '../helpers/auth/sign-in-server.ts';
import { httpClient } from '../helpers/http-client.ts';
import type { RunningHttpServer } from '../helpers/http-server.ts';

let server: RunningHttpServer;
let address: string;
let tokens: Tokens;
beforeAll(async () => {
  server = await launchSignInServer();
  ({ address } = server);
  tokens = await signIn(address);
});
afterAll(async () => {
  await server.stop();
});

const bearer = (value: string) => ({ Authorization: `Bearer ${value}` });
const stats = (value: string) => httpClient(address, bearer(value)).get('/stats');

function decoded(jwt: string, part: 0 | 1): Record<string, unknown> {
  return JSON.parse(Buffer.from(jwt.split('.')[part] ?? '', 'base64url').toString()) as Record<
    string,
    unknown
  >;
}

describe('an access token', () => {
  /** The same claims and key as the real one, but for the changes. */
  async function signedAgain(changes: Record<string, unknown>, header: object = {}): Promise<string> {
    const store = new SqliteAuthStore(join(server.dataDir, 'memories'));
    const [key] = (await new KeyRing(store, new SecretSeal(undefined)).current()).signing;
    await store.close();
    if (key === undefined) throw new Error('the server has no key');
    const real = decoded(tokens.accessToken, 0);
    return new SignJWT({ ...decoded(tokens.accessToken, 1), ...changes })
      .setProtectedHeader({ ...real, ...header, alg: 'ES256' })
      .sign(await importJWK(key, 'ES256'));
  }

  const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1_000);

  test('that is signed again with its own key counts, so the refusals below are for their one change', async () => {
    expect((await stats(tokens.accessToken)).status).toBe(200);
    expect((await stats(await signedAgain({}))).status).toBe(200);
  });

  test.each<[string, () => Promise<string>, string]>([
    ['of another audience', () => signedAgain({ aud: 'https://other.example.org/mcp' }), 'another server'],
    ['of the host with another port', () => signedAgain({ aud: `${address}0/mcp` }), 'another server'],
    ['without an audience', () => signedAgain({ aud: undefined }), 'aud'],
    ['that has expired', () => signedAgain({ exp: now - 60 }), 'has expired'],
    ['without an end', () => signedAgain({ exp: undefined }), 'exp'],
    ['that begins later', () => signedAgain({ nbf: now + 600 }), 'not valid'],
    ['of another issuer', () => signedAgain({ iss: 'https://login.example.org' }), 'iss'],
    ['of nobody', () => signedAgain({ sub: 'nobody' }), 'no account'],
    ['of another type', () => signedAgain({}, { typ: 'logout+jwt' }), 'no access token'],
    ['of an unknown key', () => signedAgain({}, { kid: 'another' }), 'not valid'],
    [
      'with alg none',
      () =>
        Promise.resolve(
          `${encoded({ alg: 'none', typ: 'at+jwt' })}.${tokens.accessToken.split('.')[1] ?? ''}.`,
        ),
      'not valid',
    ],
    [
      'with HS256 and the public key as the secret',
      async () => {
        const { keys } = (await (await fetch(`${address}/oauth/jwks`)).json()) as { keys: { kid: string }[] };
        const [key] = keys;
        const content = `${encoded({ alg: 'HS256', typ: 'at+jwt', kid: key?.kid })}.${tokens.accessToken.split('.')[1] ?? ''}`;
        const signature = createHmac('sha256', JSON.stringify(key)).update(content).digest('base64url');
        return `${content}.${signature}`;
      },
      'not valid',
    ],
    [
      'signed with another key under the name of the real one',
      async () => {
        const { privateKey } = await generateKeyPair('ES256');
        return new SignJWT(decoded(tokens.accessToken, 1))
          .setProtectedHeader({ ...decoded(tokens.accessToken, 0), alg: 'ES256' })
          .sign(privateKey);
      },
      'not valid',
    ],
    [
      'that brings its own key along',
      async () => {
        const { privateKey, publicKey } = await generateKeyPair('ES256');
        return new SignJWT(decoded(tokens.accessToken, 1))
          .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', jwk: await exportJWK(publicKey) })
          .sign(privateKey);
      },
      'not valid',
    ],
    [
      'whose scopes were changed',
      () => {
        const [header = '', , signature = ''] = tokens.accessToken.split('.');
        const claims = { ...decoded(tokens.accessToken, 1), scope: 'memory:admin' };
        return Promise.resolve(`${header}.${encoded(claims)}.${signature}`);
      },
      'not valid',
    ],
  ])('%s is refused', async (_, create, problem) => {
    const { status, data, headers } = await stats(await create());
    expect([status, data['code'], data['detail']]).toEqual([
      401,
      'UNAUTHORIZED',
      expect.stringContaining(problem) as unknown,
    ]);
    expect(headers.get('www-authenticate')).toContain('error="invalid_token"');
    expect(headers.get('www-authenticate')).toContain(
      `resource_metadata="${address}/.well-known/oauth-protected-resource"`,
    );
  });

  test('that only reads is told which scope a change needs', async () => {
    const { accessToken, scope } = await signIn(address, {}, { scopes: [] });
    expect(scope).toBe('memory:read');
    const api = httpClient(address, bearer(accessToken));
    expect((await api.get('/stats')).status).toBe(200);
    const { status, headers } = await api.post('/memory/add', { text: 'No' });
    expect(status).toBe(403);
    expect(headers.get('www-authenticate')).toContain(
      'error="insufficient_scope", error_description="This needs the scope memory:write"',
    );
    expect(headers.get('www-authenticate')).toContain('scope="memory:read memory:write"');
  });

  test('ends with a new password and with the account', async () => {
    await addAccount(server.dataDir, 'Grace');
    const grace = await signIn(address, {}, { name: 'Grace' });
    expect((await stats(grace.accessToken)).status).toBe(200);
    const store = openDatabase(join(server.dataDir, 'memories', AUTH_DATABASE), {});
    store.exec("DELETE FROM account WHERE name = 'Grace'");
    store.close();
    expect((await stats(grace.accessToken)).data['detail']).toContain('no account');
    const again = await token(address, refreshing(grace));
    expect([again.status, again.data['error']]).toEqual([400, 'invalid_grant']);
  });
});

const refreshing = ({ clientId, refreshToken }: Pick<Tokens, 'clientId' | 'refreshToken'>) => ({
  grant_type: 'refresh_token',
  client_id: clientId,
  refresh_token: refreshToken,
});

describe('a code', () => {
  test('that is used twice gives nothing, and ends what it gave before', async () => {
    const { clientId, code, verifier, refreshToken } = await signIn(address);
    const again = await token(address, {
      grant_type: 'authorization_code',
      client_id: clientId,
      code,
      code_verifier: verifier,
      redirect_uri: REDIRECT,
    });
    expect([again.status, again.data['error']]).toEqual([400, 'invalid_grant']);
    expect((await token(address, refreshing({ clientId, refreshToken }))).data['error']).toBe(
      'invalid_grant',
    );
  });

  test.each<[string, Record<string, string>]>([
    ['another verifier', { code_verifier: createPkce().verifier }],
    ['no verifier', { code_verifier: '' }],
    ['another redirect address', { redirect_uri: 'http://127.0.0.1:4321/other' }],
    ['another client', { client_id: 'CLIENT' }],
  ])('counts not with %s', async (_, change) => {
    const clientId = await registered(address);
    const { verifier, challenge } = createPkce();
    const page = await visit(authorizationUrl(address, { client_id: clientId, code_challenge: challenge }));
    const parameters: Record<string, string> = {
      grant_type: 'authorization_code',
      client_id: clientId,
      code: page.url.searchParams.get('code') ?? '',
      code_verifier: verifier,
      redirect_uri: REDIRECT,
      ...change,
    };
    if (parameters['client_id'] === 'CLIENT') parameters['client_id'] = await registered(address);
    if (parameters['code_verifier'] === '') delete parameters['code_verifier'];
    const { status, data } = await token(address, parameters);
    expect([status, data['error']]).toEqual([400, 'invalid_grant']);
  });
});

describe('a refresh token', () => {
  test('is replaced at each use, and its second use ends the whole family', async () => {
    const first = await signIn(address);
    const second = await token(address, refreshing(first));
    expect(second.status).toBe(200);
    const next = { ...first, refreshToken: String(second.data['refresh_token']) };
    expect(next.refreshToken).not.toBe(first.refreshToken);
    expect((await token(address, refreshing(first))).data['error']).toBe('invalid_grant');
    expect((await token(address, refreshing(next))).data['error']).toBe('invalid_grant');
  });

  test('does not stand in the database', async () => {
    const { refreshToken } = await signIn(address);
    const store = openDatabase(join(server.dataDir, 'memories', AUTH_DATABASE), {});
    const rows = store.prepare('SELECT kind, id, content FROM entry').all() as Record<string, string>[];
    store.close();
    expect(rows.map(({ kind }) => kind)).toContain('RefreshToken');
    expect(JSON.stringify(rows)).not.toContain(refreshToken);
  });
});

describe('a request to sign in', () => {
  test.each<[string, Record<string, string | undefined>, string]>([
    ['without PKCE', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    ['with plain PKCE', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['for a token at once', { response_type: 'token' }, 'unsupported_response_type'],
    ['for another server', { resource: 'https://other.example.org/mcp' }, 'invalid_target'],
  ])('%s is refused, at the address of the client', async (_, change, error) => {
    const clientId = await registered(address);
    const { challenge } = createPkce();
    const page = await visit(
      authorizationUrl(address, { client_id: clientId, code_challenge: challenge, ...change }),
    );
    expect(page.url.href).toMatch(REDIRECT);
    expect(page.url.href).toContain(`error=${error}`);
    expect(page.url.href).not.toContain('code=');
  });

  test.each([
    'http://127.0.0.1:4321/callback/more',
    'http://127.0.0.1:4321/callback?next=https://evil.example.org',
    'http://127.0.0.1@evil.example.org:4321/callback',
    'https://evil.example.org/callback',
    'http://localhost:4321/callback',
    '//evil.example.org',
  ])('never leads to %s, which the client did not register', async (redirect) => {
    const clientId = await registered(address);
    const { challenge } = createPkce();
    const parameters = { client_id: clientId, code_challenge: challenge, redirect_uri: redirect };
    const page = await visit(authorizationUrl(address, parameters));
    expect([page.url.origin, page.status]).toEqual([address, 400]);
    expect(page.html).toContain('This sign-in cannot go on');
  });

  test('may use any port of this computer, as programs need it', async () => {
    const { accessToken } = await signIn(address, { redirect_uri: 'http://127.0.0.1:5999/callback' });
    expect((await stats(accessToken)).status).toBe(200);
  });

  test('shows nothing of a client as markup', async () => {
    const clientId = await registered(address, { client_name: '<script>alert(1)</script>\u202e' });
    const { challenge } = createPkce();
    const url = authorizationUrl(address, { client_id: clientId, code_challenge: challenge });
    const { html } = await new FormBrowser(address).open(url);
    expect(html).toContain('&lt;script&gt;alert(1)');
    expect(html).not.toMatch(/<script|\u202e/);
  });
});

describe('a client', () => {
  test.each([
    ['plain http elsewhere', 'http://example.org/callback'],
    ['a script', 'javascript:alert(1)'],
    ['a fragment', 'https://example.org/callback#part'],
    ['a user name', 'https://user@example.org/callback'],
    ['no address', 'callback'],
  ])('cannot register %s to come back to', async (_, redirect) => {
    const { status } = await register(address, { redirect_uris: [redirect] });
    expect(status).toBe(400);
    const asWeb = await register(address, { redirect_uris: [redirect], application_type: 'web' });
    expect(asWeb.status).toBe(400);
  });

  test.each(['https://claude.ai/api/mcp/auth_callback', 'https://claude.com/api/mcp/auth_callback'])(
    'that comes back to %s gets its code exactly there',
    async (redirect) => {
      const clientId = await registered(address, { redirect_uris: [redirect], client_name: 'Claude' });
      const { challenge } = createPkce();
      const parameters = { client_id: clientId, code_challenge: challenge, redirect_uri: redirect };
      const url = authorizationUrl(address, parameters);
      const page = await visit(url);
      expect(page.url.href).toMatch(new RegExp(`^${redirect}\\?code=`));
      expect(page.url.searchParams.get('iss')).toBe(address);
    },
  );

  test.each([
    'https://127.0.0.1:1/client.json',
    'https://localhost/client.json',
    'https://[::1]/client.json',
    'https://169.254.169.254/latest/meta-data',
    'https://10.0.0.1/client.json',
    'http://example.org/client.json',
    'https://user@example.org/client.json',
  ])('cannot describe itself at %s', async (clientId) => {
    const { challenge } = createPkce();
    const url = authorizationUrl(address, { client_id: clientId, code_challenge: challenge });
    const page = await new FormBrowser(address).open(url);
    expect([page.status, page.url.origin]).toEqual([400, address]);
    // Neither what is there, nor whether anything is.
    expect(page.html).toMatch(
      /asked wrongly: (?:client is invalid|client_id metadata document fetch failed)\./,
    );
  });
});

describe('the pages', () => {
  async function openConsent(): Promise<{
    browser: FormBrowser;
    page: Awaited<ReturnType<FormBrowser['open']>>;
  }> {
    const clientId = await registered(address);
    const browser = new FormBrowser(address);
    const url = authorizationUrl(address, { client_id: clientId, code_challenge: createPkce().challenge });
    const login = await browser.open(url);
    const page = await browser.submit(login, { name: PERSON, password: PASSWORD });
    return { browser, page };
  }

  test('cannot be framed, hold no script, and lead only to the client', async () => {
    const { page } = await openConsent();
    expect(page.html).toContain('name="decision"');
    expect(page.headers.get('x-frame-options')).toBe('DENY');
    expect(page.headers.get('content-security-policy')).toBe(
      "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' http://127.0.0.1:4321; frame-ancestors 'none'; base-uri 'none'",
    );
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(page.html).not.toContain('<script');
  });

  test.each<[string, Record<string, string>]>([
    ['of another site', { Origin: 'https://evil.example.org' }],
    ['without an origin', {}],
    ['with a hidden origin', { Origin: 'null' }],
  ])('take no consent %s', async (_, headers) => {
    const { browser, page } = await openConsent();
    const target = new URL(`${page.url.pathname}/consent`, address);
    const refused = await browser.post(target, { decision: 'allow', scope: 'memory:write' }, headers);
    expect([refused.status, refused.html]).toEqual([403, expect.stringContaining('ORIGIN_NOT_ALLOWED')]);
    // The question is still open.
    expect((await browser.submit(page, { decision: 'allow' })).url.searchParams.get('code')).toMatch(/\S/);
  });

  test('take no consent in a browser that did not begin it', async () => {
    const { page } = await openConsent();
    const other = await new FormBrowser(address).submit(page, { decision: 'allow', scope: 'memory:write' });
    expect([other.status, other.url.origin]).toEqual([400, address]);
  });

  test('take no consent before a person has signed in', async () => {
    const clientId = await registered(address);
    const browser = new FormBrowser(address);
    const url = authorizationUrl(address, { client_id: clientId, code_challenge: createPkce().challenge });
    const login = await browser.open(url);
    const target = new URL(`${login.url.pathname}/consent`, address);
    expect((await browser.post(target, { decision: 'allow' })).status).toBe(400);
  });

  test('tell the client when the person refuses', async () => {
    const clientId = await registered(address);
    const url = authorizationUrl(address, { client_id: clientId, code_challenge: createPkce().challenge });
    const page = await visit(url, { decision: 'refuse' });
    expect(page.url.searchParams.get('error')).toBe('access_denied');
  });
});

// The last one: after it, nobody can sign in under this name.
test('ten wrong passwords are the most in a quarter of an hour, and do not tell who has an account', async () => {
  const clientId = await registered(address);
  const browser = new FormBrowser(address);
  const url = authorizationUrl(address, { client_id: clientId, code_challenge: createPkce().challenge });
  for (const name of ['nobody', PERSON]) {
    const page = await browser.open(url);
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 11; attempt += 1) {
      const answer = await browser.submit(page, { name, password: `wrong ${attempt}` });
      statuses.push(answer.status);
      if (answer.status === 429) {
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
        expect(answer.html).toContain('Too many attempts');
      } else expect(answer.html).toContain('The name or the password is wrong.');
    }
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429]);
  }
  const right = await browser.submit(await browser.open(url), { name: PERSON, password: PASSWORD });
  expect(right.status).toBe(429);
});
