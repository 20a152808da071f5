import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FormBrowser } from '../helpers/auth/form-browser.ts';
import { startIdentityProvider } from '../helpers/auth/identity-provider.ts';
import { visit } from '../helpers/auth/oauth-requests.ts';
import { connectBySignIn, RememberingProvider } from '../helpers/auth/sdk-client.ts';
import { addAccount, PASSWORD } from '../helpers/auth/sign-in-server.ts';
import { httpClient } from '../helpers/http-client.ts';
import { INITIALIZE } from '../helpers/mcp/initialize-message.ts';
import { runProgram } from '../helpers/run-program.ts';
import { freePort } from '../helpers/servers/free-port.ts';
import { apiOf, startTeam, type TestTeam } from '../helpers/team.ts';

async function startSignInTeam(more: Readonly<Record<string, string>> = {}): Promise<TestTeam> {
  const port = String(await freePort());
  const publicUrl = `http://127.0.0.1:${port}`;
  return startTeam({ MEMORY_AUTH: 'embedded', MEMORY_PUBLIC_URL: publicUrl, ...more }, ['--port', port]);
}

/** Adds people as an administrator does; each chooses a password at the link. */
async function addPeople(team: TestTeam, ...people: string[]): Promise<void> {
  for (const person of people) await choosePassword(String((await team.run('user', 'add', person))['link']));
  // A token must not be from the second in which the password was chosen.
  await sleep(1_000);
}

async function choosePassword(link: string): Promise<void> {
  const browser = new FormBrowser(new URL(link).origin);
  const saved = await browser.submit(await browser.open(link), { password: PASSWORD });
  expect(saved.html).toContain('Your password is saved');
}

const as =
  (name: string) =>
  async (url: URL): Promise<URL> =>
    (await visit(url, { name })).url;

/** What a client of SDK v2 finds out by itself, given only the address and a person who signs in. */
const connect = ({ server }: TestTeam, name: string, path = '/mcp') =>
  connectBySignIn(server.address, as(name), { path });

/** The same, with the token of a sign-in at a path where the person has no rights. */
async function tokenAt({ server }: TestTeam, name: string, path: string): Promise<string> {
  const provider = new RememberingProvider();
  await connectBySignIn(server.address, as(name), { path, provider }).catch(() => undefined);
  expect(provider.sentTo?.searchParams.get('resource')).toBe(`${server.address}${path}`);
  return provider.known?.access_token ?? '';
}

const MCP_HEADERS = { Accept: 'application/json, text/event-stream' };

describe('people who sign in at the program itself', () => {
  test('have their own memories at /mcp, and share others at /mcp/{space} by their roles', async () => {
    const team = await startSignInTeam();
    await addPeople(team, 'ada', 'bob', 'eve');
    await team.run('space', 'create', 'kitchen', '--owner', 'ada');
    await team.run('space', 'grant', 'kitchen', 'bob');
    const [ada, bob] = [await connect(team, 'ada'), await connect(team, 'bob')];
    await ada.call('memory_add', { text: 'The spare key of Ada is under the fern' });
    await bob.call('memory_add', { text: 'The spare key of Bob is in the shed' });
    const searched = async (client: typeof ada): Promise<string> =>
      JSON.stringify(await client.call('memory_search', { query: 'spare key' }));
    expect(await searched(ada)).toMatch(/fern/);
    expect(await searched(ada)).not.toMatch(/shed/);
    expect(await searched(bob)).toMatch(/shed/);
    expect(await searched(bob)).not.toMatch(/fern/);

    const owner = await connect(team, 'ada', '/mcp/kitchen');
    expect((await owner.call('memory_add', { text: 'The spare key of the kitchen is blue' })).isError).toBe(
      false,
    );
    const reader = await connect(team, 'bob', '/mcp/kitchen');
    expect(await searched(reader)).toMatch(/blue/);
    expect(await searched(reader)).not.toMatch(/fern|shed/);
    const write = { text: 'The spare key of the kitchen is red' };
    await expect(reader.call('memory_add', write)).rejects.toThrow(/memory_add/);
    expect(await searched(owner)).not.toMatch(/red/);
    await team.run('space', 'grant', 'kitchen', 'bob', '--role', 'writer');
    const writer = await connect(team, 'bob', '/mcp/kitchen');
    expect((await writer.call('memory_add', write)).isError).toBe(false);
    expect(await searched(owner)).toMatch(/red/);

    const stranger = apiOf(team.server.address, await tokenAt(team, 'eve', '/mcp/kitchen'));
    for (const path of ['/mcp/kitchen', '/mcp/no-such-space', '/mcp/ada']) {
      const answer = await stranger.post(path, INITIALIZE, MCP_HEADERS);
      expect([path, answer.status, answer.text]).toEqual([
        path,
        404,
        expect.stringContaining('There is no space'),
      ]);
    }
    expect((await stranger.get('/me')).data).toMatchObject({ person: 'eve', space: 'eve' });
  });

  test('are told by RFC 9728 where to sign in, also for a space, whether or not it is there', async () => {
    const team = await startSignInTeam();
    await team.run('user', 'add', 'ada');
    await team.run('space', 'create', 'kitchen', '--owner', 'ada');
    const { address } = team.server;
    for (const path of ['/mcp', '/mcp/kitchen', '/mcp/no-such-space']) {
      const refused = await httpClient(address).post(path, INITIALIZE, MCP_HEADERS);
      const metadata = `${address}/.well-known/oauth-protected-resource${path}`;
      expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
        401,
        expect.stringContaining(`resource_metadata="${metadata}"`),
      ]);
      const described = await (await fetch(metadata)).json();
      expect(described).toMatchObject({ resource: address + path, authorization_servers: [address] });
    }
  });

  test('are let in by a link of "user add" and "user invite", and out by "user remove" at once', async () => {
    const team = await startSignInTeam();
    const added = await team.run('user', 'add', 'ada', '--name', 'Ada Lovelace');
    expect(added).toMatchObject({ id: 'ada', space: 'ada', hours: 72 });
    const listed = async (): Promise<unknown> => (await team.run('user', 'list'))['people'];
    expect(await listed()).toMatchObject([{ id: 'ada', sign_in: 'invited' }]);
    const { link } = await team.run('user', 'invite', 'ada');
    expect((await fetch(String(added['link']))).status).toBe(404);
    await choosePassword(String(link));
    await sleep(1_000);
    expect(await listed()).toMatchObject([{ id: 'ada', sign_in: 'yes' }]);
    const { provider, call } = await connect(team, 'ada');
    await call('memory_add', { text: 'Ada was here' });
    const api = apiOf(team.server.address, provider.known?.access_token ?? '');
    expect((await api.get('/me')).data).toMatchObject({ person: 'ada', name: 'Ada Lovelace', space: 'ada' });
    const made = await team.tokenOf('ada');

    await team.run('user', 'remove', 'ada', '--yes');
    expect((await api.get('/me')).status).toBe(401);
    expect((await apiOf(team.server.address, made).get('/me')).status).toBe(401);
    const again = await team.run('user', 'add', 'ada');
    expect((await api.get('/me')).status).toBe(401);
    await choosePassword(String(again['link']));
    await sleep(1_000);
    expect((await api.get('/me')).status).toBe(401);
    const refresh = new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: provider.known?.refresh_token ?? '',
      client_id: String(provider.clientInformation()?.client_id),
    });
    const refreshed = await fetch(`${team.server.address}/oauth/token`, { method: 'POST', body: refresh });
    expect(refreshed.status).toBe(400);
    const another = await connect(team, 'ada');
    expect(JSON.stringify(await another.call('memory_search', { query: 'Ada' }))).not.toContain('was here');
  });

  test('have one name each, and no account without a person', async () => {
    const team = await startSignInTeam({ MEMORY_TEAM_SIGN_UP: 'true' });
    await addPeople(team, 'ada');
    for (const command of ['add', 'invite']) {
      const refused = await team.tryRun('account', command, 'bob');
      expect([refused.code, refused.stdout]).toEqual([
        2,
        expect.stringContaining(`faiss-memory user ${command} bob`),
      ]);
    }
    const taken = await team.tryRun('user', 'add', 'Ada');
    expect(taken.stdout).toContain('has an account already');
    const impossible = await team.tryRun('user', 'add', 'a|b');
    expect(impossible.stdout).toContain('cannot be a name');
    expect(await team.run('user', 'list')).toMatchObject({ people: [{ id: 'ada' }] });
    const { provider } = await connect(team, 'ada');
    // Without the setting, a command makes no accounts, and ends them all the same.
    const { address, dataDir } = team.server;
    const erased = await runProgram(['user', 'erase', 'ada', '--yes'], {
      ...{ dataDir, env: { MEMORY_TEAM: 'true' } },
    });
    expect(erased.code).toBe(0);
    expect((await apiOf(address, provider.known?.access_token ?? '').get('/me')).status).toBe(401);
    expect(await team.run('account', 'list')).toEqual({ accounts: [] });

    await addAccount(dataDir, 'bob');
    await sleep(1_000);
    const before = new RememberingProvider();
    await connectBySignIn(address, as('bob'), { provider: before }).catch(() => undefined);
    const unknown = await apiOf(address, before.known?.access_token ?? '').get('/me');
    expect([unknown.status, unknown.data['detail']]).toEqual([403, 'You are not known to this server']);
    expect((await team.tryRun('user', 'add', 'bob')).stdout).toContain('has an account already');
    await team.run('account', 'remove', 'bob', '--yes');
    expect(await team.run('user', 'add', 'bob')).toMatchObject({ id: 'bob' });
  });
});

describe('people of an identity provider', () => {
  const signInAt =
    (name: string) =>
    async (url: URL): Promise<URL> => {
      const browser = new FormBrowser(url.origin);
      const consent = await browser.submit(await browser.open(url), { login: name, password: 'any' });
      return (await browser.submit(consent, {})).url;
    };

  async function startProviderTeam(signUp: string): Promise<TestTeam> {
    const idp = await startIdentityProvider();
    onTestFinished(() => idp.stop());
    return startTeam({ MEMORY_AUTH: 'oidc', MEMORY_AUTH_ISSUER: idp.issuer, MEMORY_TEAM_SIGN_UP: signUp }, [
      ...['--port', String(await freePort())],
    ]);
  }

  async function apiFor({ server }: TestTeam, name: string): Promise<ReturnType<typeof apiOf>> {
    const provider = new RememberingProvider();
    await connectBySignIn(server.address, signInAt(name), { provider }).catch(() => undefined);
    return apiOf(server.address, provider.known?.access_token ?? '');
  }

  test('are added at their first request, if the settings say so and their id can be one', async () => {
    const team = await startProviderTeam('true');
    const ada = await apiFor(team, 'ada@example.org');
    const first = await Promise.all([ada.get('/stats'), ada.get('/stats'), ada.get('/me')]);
    expect(first.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(first[2].data).toMatchObject({ person: 'ada@example.org', space: 'ada' });
    for (const claim of ['Ada Lovelace', '../ada', 'console', 'a'.repeat(201)]) {
      const refused = await (await apiFor(team, claim)).get('/stats');
      expect([claim, refused.status, refused.data['detail']]).toEqual([
        claim,
        403,
        expect.stringContaining('can have no person of this id'),
      ]);
      expect(JSON.stringify(refused.data)).toContain('MEMORY_AUTH_PERSON_CLAIM');
    }
    expect(await team.run('user', 'list')).toMatchObject({ people: [{ id: 'ada@example.org' }] });
  });

  test('are refused until somebody adds them, without it', async () => {
    const team = await startProviderTeam('false');
    const ada = await apiFor(team, 'ada');
    const refused = await ada.get('/stats');
    expect([refused.status, refused.data['detail']]).toEqual([403, 'You are not known to this server']);
    expect(await team.run('user', 'add', 'ada')).not.toHaveProperty('link');
    expect((await ada.get('/me')).data).toMatchObject({ person: 'ada', space: 'ada' });
  });
});
