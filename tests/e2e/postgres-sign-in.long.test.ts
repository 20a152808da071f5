import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { answerIn, signInHere } from '../helpers/auth/browser-person.ts';
import { FormBrowser } from '../helpers/auth/form-browser.ts';
import {
  authorizationUrl,
  createPkce,
  registered,
  REDIRECT,
  signIn,
  token,
  type Tokens,
  visit,
} from '../helpers/auth/oauth-requests.ts';
import { connectBySignIn } from '../helpers/auth/sdk-client.ts';
import { addAccount, PASSWORD, PERSON } from '../helpers/auth/sign-in-server.ts';
import {
  SECRET,
  type SignInServers,
  startSignInServers,
  stopSignInServers,
} from '../helpers/auth/sign-in-servers.ts';
import { hasBrowser, launchBrowser } from '../helpers/browser.ts';
import { httpClient } from '../helpers/http-client.ts';
import { Replica } from '../helpers/team-load.ts';
import { describeWithPostgres } from '../helpers/with-postgres.ts';

const person = async (url: URL): Promise<URL> => (await visit(url)).url;
const bearer = (value: string) => ({ Authorization: `Bearer ${value}` });
const refreshing = ({ clientId, refreshToken }: Pick<Tokens, 'clientId' | 'refreshToken'>) => ({
  grant_type: 'refresh_token',
  client_id: clientId,
  refresh_token: refreshToken,
});

await describeWithPostgres('two servers behind a load balancer that takes turns', (server) => {
  let servers: SignInServers;
  const statuses = (accessToken: string) =>
    Promise.all(
      servers.replicas.map(
        async ({ address }) => (await httpClient(address, bearer(accessToken)).get('/stats')).status,
      ),
    );
  beforeAll(async () => {
    servers = await startSignInServers(server(), [{}, {}]);
  });
  afterAll(() => stopSignInServers(servers));

  test('started on an empty database at the same moment with one set of keys, which lie encrypted', async () => {
    const sets = await Promise.all(
      servers.replicas.map(async ({ address }) => (await fetch(`${address}/oauth/jwks`)).json()),
    );
    expect(sets[0]).toMatchObject({ keys: [{ kty: 'EC', alg: 'ES256' }] });
    expect(sets[1]).toEqual(sets[0]);
    const rows = await server().sql(
      'SELECT kind, content FROM faiss_memory.sign_in_secret',
      servers.database,
    );
    expect(rows.map(({ kind }) => kind).sort()).toEqual(['cookie', 'signing']);
    for (const { content } of rows) expect(content).toMatch(/^sealed1\./);
  });

  test('let a client of SDK v2 sign in, work, refresh, and sign out', async () => {
    const { call, provider } = await connectBySignIn(servers.balancer.address, person);
    expect((await call('memory_add', { text: 'The heron waits' })).isError).toBe(false);
    expect((await call('memory_search', { query: 'heron' })).text).toContain('The heron waits');
    const before = provider.known;
    provider.known = { ...before, access_token: 'a.b.c', token_type: 'Bearer' };
    expect((await call('memory_stats')).isError).toBe(false);
    expect(provider.known.refresh_token).not.toBe(before?.refresh_token);
    const clientId = String(provider.clientInformation()?.client_id);
    const refreshToken = provider.known.refresh_token ?? '';
    const revoked = await fetch(`${servers.balancer.address}/oauth/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ token: refreshToken, client_id: clientId }),
    });
    expect(revoked.status).toBe(200);
    for (const { address } of servers.replicas)
      expect((await token(address, refreshing({ clientId, refreshToken }))).data['error']).toBe(
        'invalid_grant',
      );
    const counts = [...servers.balancer.counts.values()];
    expect(Math.min(...counts)).toBeGreaterThan(5);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  });

  test.runIf(hasBrowser)('let a person sign in with a browser', async () => {
    const browser = await launchBrowser();
    onTestFinished(() => browser.close());
    const page = await browser.newPage();
    const { call } = await connectBySignIn(servers.balancer.address, (url) =>
      answerIn(page, url, signInHere),
    );
    expect((await call('memory_add', { text: 'With a browser' })).isError).toBe(false);
    await connectBySignIn(servers.balancer.address, (url) =>
      answerIn(page, url, (again) => again.getByRole('button', { name: 'Allow' }).click()),
    );
  });

  test('give one answer to a refresh token that both get at once, and end its family on both', async () => {
    for (let round = 0; round < 2; round += 1) {
      const tokens = await signIn(servers.balancer.address);
      const answers = await Promise.all(
        [0, 1, 0, 1].map((which) => token(servers.replicas[which]?.address ?? '', refreshing(tokens))),
      );
      const given = answers.filter(({ status }) => status === 200);
      expect(given.length).toBeLessThanOrEqual(1);
      for (const { data } of given) {
        const next = { ...tokens, refreshToken: String(data['refresh_token']) };
        for (const { address } of servers.replicas)
          expect((await token(address, refreshing(next))).data['error']).toBe('invalid_grant');
      }
    }
  });

  test('give no second token for a code that went to the other one', async () => {
    const { clientId, code, verifier } = await signIn(servers.balancer.address);
    for (const { address } of servers.replicas) {
      const again = await token(address, {
        grant_type: 'authorization_code',
        client_id: clientId,
        code,
        code_verifier: verifier,
        redirect_uri: REDIRECT,
      });
      expect(again.data['error']).toBe('invalid_grant');
    }
  });

  test('know what a command on another machine did, from the next request on', async () => {
    const link = JSON.parse((await servers.run('account', 'invite', 'Grace')).stdout) as { link: string };
    const browser = new FormBrowser(servers.balancer.address);
    const saved = await browser.submit(await browser.open(link.link), { password: PASSWORD });
    expect(saved.html).toContain('Your password is saved');
    const grace = await signIn(servers.balancer.address, {}, { name: 'grace' });
    expect(await statuses(grace.accessToken)).toEqual([200, 200]);
    const listed = await servers.run('account', 'list');
    expect(JSON.parse(listed.stdout)).toMatchObject({ accounts: [{ name: PERSON }, { name: 'Grace' }] });
    const next = await token(servers.balancer.address, refreshing(grace));
    expect(next.status).toBe(200);
    expect((await servers.run('account', 'rotate-key')).code).toBe(0);
    expect(await statuses(grace.accessToken)).toEqual([200, 200]);
    expect((await servers.run('account', 'remove', 'Grace', '--yes')).code).toBe(0);
    expect(await statuses(grace.accessToken)).toEqual([401, 401]);
    expect(await statuses(String(next.data['access_token']))).toEqual([401, 401]);
  });

  test('count wrong passwords together', async () => {
    await addAccount(servers.elsewhere, 'Lin', [], servers.env);
    const url = authorizationUrl(servers.balancer.address, {
      client_id: await registered(servers.balancer.address),
      code_challenge: createPkce().challenge,
    });
    const browser = new FormBrowser(servers.balancer.address);
    let page = await browser.open(url);
    const answers: number[] = [];
    for (let attempt = 0; attempt < 11; attempt += 1) {
      page = await browser.submit(page, {
        name: attempt % 2 === 0 ? 'Lin' : 'LIN',
        password: `wrong ${attempt}`,
      });
      answers.push(page.status);
    }
    expect(answers).toEqual([...Array.from({ length: 10 }, () => 401), 429]);
    expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(600);
    expect((await browser.submit(page, { name: 'Lin', password: PASSWORD })).status).toBe(429);
  });

  test('start with no other secret than that of the others', async () => {
    const stranger = new Replica({ ...servers.env, MEMORY_AUTH_SECRET: SECRET.replace('0', 'x') });
    await expect(stranger.start()).rejects.toThrow('MEMORY_AUTH_SECRET');
  });
});

describe('without the database', async () => {
  await describeWithPostgres('two servers', (server) => {
    test('say so, let in who is known, and go on where they were', async () => {
      const servers = await startSignInServers(server(), [{}, {}]);
      onTestFinished(() => stopSignInServers(servers));
      const { address } = servers.balancer;
      const known = await signIn(address);
      for (const replica of servers.replicas)
        expect((await httpClient(replica.address, bearer(known.accessToken)).get('/stats')).status).toBe(200);
      const { verifier, challenge } = createPkce();
      const clientId = await registered(address);
      const url = authorizationUrl(address, { client_id: clientId, code_challenge: challenge });
      const browser = new FormBrowser(address);
      const login = await browser.open(url);
      expect(login.html).toContain('name="password"');

      await server().crash();
      const refused = await browser.submit(login, { name: PERSON, password: PASSWORD });
      expect([refused.status, refused.headers.get('content-type')]).toEqual([
        503,
        expect.stringContaining('text/html'),
      ]);
      expect(refused.html).toContain('Sign-in is not possible right now');
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      const begun = await new FormBrowser(address).open(url);
      expect([begun.status, begun.html]).toEqual([503, expect.stringContaining('not possible right now')]);
      const tokens = await fetch(`${address}/oauth/token`, {
        method: 'POST',
        body: new URLSearchParams(refreshing(known)),
      });
      expect([tokens.status, await tokens.json()]).toEqual([
        503,
        expect.objectContaining({ error: 'temporarily_unavailable' }),
      ]);
      expect(Number(tokens.headers.get('retry-after'))).toBeGreaterThan(0);
      for (const replica of servers.replicas)
        expect((await httpClient(replica.address, bearer(known.accessToken)).get('/stats')).status).toBe(200);
      const late = new Replica({ ...servers.env });
      onTestFinished(() => late.stop());
      await late.start();
      expect((await httpClient(late.address, bearer(known.accessToken)).get('/stats')).status).toBe(503);

      await server().begin();
      await expect
        .poll(async () => (await httpClient(late.address, bearer(known.accessToken)).get('/stats')).status)
        .toBe(200);
      await expect.poll(async () => (await browser.open(login.url)).status).toBe(200);
      const consent = await browser.submit(await browser.open(login.url), {
        name: PERSON,
        password: PASSWORD,
      });
      const end = await browser.submit(consent, { scope: ['memory:write'], decision: 'allow' });
      const given = await token(address, {
        grant_type: 'authorization_code',
        client_id: clientId,
        code: end.url.searchParams.get('code') ?? '',
        code_verifier: verifier,
        redirect_uri: REDIRECT,
      });
      expect(given.status).toBe(200);
      expect((await token(address, refreshing(known))).status).toBe(200);
    });
  });
});
