import { spawnSync } from 'node:child_process';
import { SdkHttpError } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  COMPOSE_FILE,
  ComposedTeam,
  homeOfSessions,
  looksOfCaddy,
  readComposeFile,
  type ReplicaName,
} from '../helpers/composed-team.ts';
import { httpClient } from '../helpers/http-client.ts';
import { type HttpClientKind, httpClientKinds } from '../helpers/mcp/http-clients.ts';
import { findCaddy, isCaddyRequired } from '../helpers/servers/caddy.ts';
import { describeWithPostgres } from '../helpers/with-postgres.ts';

const compose = readComposeFile({ MEMORY_NAME: 'memory.example.org' });
const services = Object.entries(compose.services);

describe(COMPOSE_FILE, () => {
  test.each(services)('gives %s no more rights than it needs, and bounds it', (_, service) => {
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
    expect(service.healthcheck?.test[0]).toBe('CMD');
    expect(service.deploy?.resources?.limits?.cpus).toMatch(/^\d/);
    expect(service.deploy?.resources?.limits?.memory).toMatch(/^\d+[mg]$/);
    expect(service.user).toMatch(/^(?:node|postgres|[1-9]\d*(?::[1-9]\d*)?)$/);
  });

  test.each(services)(
    'declares the secrets and volumes of %s, and has none in its environment',
    (_, service) => {
      expect(service.secrets?.filter((name) => !(name in compose.secrets)) ?? []).toEqual([]);
      const named = (service.volumes ?? []).map((volume) => volume.split(':')[0] ?? '');
      expect(named.filter((name) => !name.startsWith('./') && !(name in compose.volumes))).toEqual([]);
      const secret = /(?:TOKEN|PASSWORD|SECRET|URL)$/;
      expect(Object.keys(service.environment ?? {}).filter((name) => secret.test(name))).toEqual([]);
    },
  );

  test.runIf(spawnSync('docker', ['compose', 'version']).status === 0)('is one for docker compose', () => {
    const checked = spawnSync('docker', ['compose', '-f', COMPOSE_FILE, 'config', '--quiet'], {
      env: { ...process.env, MEMORY_NAME: 'memory.example.org' },
    });
    expect([checked.status, checked.stderr.toString()]).toEqual([0, '']);
  });
});

const caddy = await findCaddy();

test(`Caddy is ${caddy === null ? 'left out, and not required' : 'there'}`, () => {
  expect(caddy !== null || !isCaddyRequired()).toBe(true);
});

if (caddy !== null)
  await describeWithPostgres('the services of the compose file, behind Caddy', (server) => {
    let running: ComposedTeam | undefined;
    let home: ReplicaName | undefined;
    const team = (): ComposedTeam => {
      if (running === undefined) throw new Error('The team runs only inside a test');
      return running;
    };
    beforeAll(async () => {
      running = await ComposedTeam.start({ caddy, databaseUrl: await server().createDatabase() });
      home = await homeOfSessions(running);
    });
    afterAll(() => running?.stop());

    const direct = (name: ReplicaName): ReturnType<typeof httpClient> =>
      httpClient(team().addressOf(name), { Authorization: `Bearer ${team().token}` });
    const connect = ({ connect: open }: HttpClientKind): ReturnType<HttpClientKind['connect']> =>
      open(team().address, { token: team().token, fetch: team().fetch });
    const texts = async (name: ReplicaName): Promise<string[]> => {
      const { data } = await direct(name).get('/memories?limit=200');
      return (data['memories'] as { text: string }[]).map(({ text }) => text).sort();
    };

    test('answer with TLS, and only callers with the token', async () => {
      const { address, fetch: ask, token } = team();
      expect((await ask(`${address}/stats`)).status).toBe(401);
      const headers = { Authorization: `Bearer ${token}` };
      expect((await ask(`${address}/stats`, { headers })).status).toBe(200);
      await expect(fetch(`${address}/stats`, { headers })).rejects.toThrow();
      expect(await (await ask(`${address}/health`)).json()).toEqual({
        status: 'ok',
        live: true,
        ready: true,
      });
      const told = (await (await ask(`${address}/health`, { headers })).json()) as object;
      expect(told).toMatchObject({ database: { status: 'ok', unread_entries: 0 } });
    });

    test.each(httpClientKinds)('go on for $name when one of them is killed', async (kind) => {
      const first = await connect(kind);
      await first.call('memory_add', { text: `before, by ${kind.name}` });
      await first.call('memory_search', { query: 'before' });
      // Whichever the client uses: one after the other is killed, with the other one there.
      for (const name of ['memory-1', 'memory-2'] as const) {
        await team().kill(name);
        const text = `${kind.name} without ${name}`;
        const add = (): Promise<string> =>
          first.call('memory_add', { text }).then(
            ({ isError }) => (isError ? 'failed' : 'added'),
            (error: unknown) =>
              error instanceof SdkHttpError && error.status === 502 ? 'cut off' : String(error),
          );
        let outcome = await add();
        // A request on a connection of which Caddy learns just then that it has ended may fail, and none after it.
        if (outcome === 'cut off' && !kind.hasSession) outcome = await add();
        if (kind.hasSession && outcome !== 'added') {
          // It was told that its session is gone, and a new one works.
          const again = await connect(kind);
          expect((await again.call('memory_add', { text })).isError).toBe(false);
          await again.client.close();
        } else {
          expect(outcome).toBe('added');
        }
        await team().begin(name);
        await expect.poll(() => texts(name)).toContain(text);
        // So many looks of Caddy, one a second: it sends requests there again.
        await expect.poll(() => looksOfCaddy(team(), name)).toBeGreaterThan(3);
        // Clients move back a little later, and a session that begins in between is gone in the next request.
        await expect.poll(() => homeOfSessions(team())).toBe(home);
      }
      await first.client.close().catch(() => undefined);
      expect(await texts('memory-1')).toEqual(await texts('memory-2'));
    });

    test('read on while the database is down, and stay in place', async () => {
      const { address, fetch: ask, token } = team();
      const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
      const post = (path: string, body: object): Promise<Response> =>
        ask(`${address}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
      expect((await post('/memory/add', { text: 'The heron stays' })).status).toBe(201);
      for (const name of ['memory-1', 'memory-2'] as const)
        expect(await texts(name)).toContain('The heron stays');
      await server().crash();
      for (let count = 0; count < 6; count += 1) {
        const found = await post('/search', { query: 'heron' });
        expect([found.status, await found.text()]).toEqual([200, expect.stringContaining('The heron stays')]);
        expect((await ask(`${address}/health/ready`)).status).toBe(200);
      }
      const refused = await post('/memory/add', { text: 'The heron flies' });
      expect(refused.status).toBe(503);
      expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(0);
      const health = async (): Promise<unknown> => (await ask(`${address}/health`, { headers })).json();
      // What the servers say may be half a second old.
      await expect
        .poll(health)
        .toMatchObject({ status: 'degraded', ready: true, database: { status: 'unreachable' } });
      await server().begin();
      await expect
        .poll(async () => (await post('/memory/add', { text: 'The heron is back' })).status)
        .toBe(201);
    });
  });
