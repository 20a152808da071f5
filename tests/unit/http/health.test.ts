import { Hono } from 'hono';
import { describe, expect, test } from 'vitest';
import type { OpenServices } from '../../../src/api/services.ts';
import { StoreUnavailableError } from '../../../src/errors/store-errors.ts';
import { serverTokens } from '../../../src/http/guards/token-guard.ts';
import { type HealthParts, mountHealth } from '../../../src/http/health.ts';
import type { HttpEnvironment } from '../../../src/http/http-environment.ts';
import type { Stats } from '../../../src/memory/memory-api.ts';
import type { SharedState } from '../../../src/store/memory-store.ts';
import type { SyncStatus } from '../../../src/sync/sync-api.ts';
import { SecretString } from '../../../src/util/secret-string.ts';
import { fakeServices } from '../../helpers/fake-services.ts';

function appWith(open: OpenServices, more: Partial<HealthParts> = {}): Hono<HttpEnvironment> {
  const app = new Hono<HttpEnvironment>();
  mountHealth(app, { open, isStopping: () => false, ...more });
  return app;
}

const SHARED: SharedState = {
  ...{ open: 1, opened: 1, waiting: 0, writes: 0, lostRaces: 0 },
  ...{ answers: true, secondsSinceAnswer: 0.02, lag: 0, loading: false },
};

function working(shared?: Partial<SharedState>): OpenServices {
  const embedding = { modelId: 'small', ready: true, problem: '', pending: 3 };
  const stats = { embedding, ...(shared === undefined ? {} : { shared: { ...SHARED, ...shared } }) } as Stats;
  const services = fakeServices({
    memory: {
      list: () => Promise.resolve({ memories: [], total: 0 }),
      stats: () => Promise.resolve(stats),
    },
    sync: { status: () => Promise.resolve({ enabled: false } as SyncStatus) },
  });
  return () => Promise.resolve(services);
}

const broken: OpenServices = () => Promise.reject(new StoreUnavailableError('The disk is gone'));

describe('health', () => {
  test.each([
    ['works', working(), false, 200, { status: 'ok', live: true, ready: true, store: { status: 'ok' } }],
    ['has no database now', working({ answers: false }), false, 200, { status: 'degraded', ready: true }],
    [
      'still reads the database',
      working({ loading: true }),
      false,
      503,
      { status: 'unavailable', store: { status: 'loading' } },
    ],
    [
      'cannot open its store',
      broken,
      false,
      503,
      { status: 'unavailable', store: { status: 'unavailable', code: 'STORE_UNAVAILABLE' } },
    ],
    ['is stopping', working(), true, 503, { status: 'unavailable', store: { status: 'stopping' } }],
  ] as const)('of a server that %s', async (_, open, isStopping, ready, whole) => {
    const app = appWith(open, { isStopping: () => isStopping });
    expect((await app.request('/health/live')).status).toBe(200);
    const answer = await app.request('/health/ready');
    expect([answer.status, await answer.json()]).toEqual([ready, { ready: ready === 200 }]);
    const all = await app.request('/health');
    expect([all.status, await all.json()]).toEqual([200, expect.objectContaining(whole)]);
  });

  test('tells the parts to callers with a token, and strangers none', async () => {
    const token = new SecretString('a token of 16 letters');
    const authenticators = serverTokens({ token, readToken: undefined });
    const app = appWith(working({ answers: false, lag: 2, secondsSinceAnswer: null }), { authenticators });
    const ask = async (headers: Record<string, string>): Promise<unknown> =>
      (await app.request('/health', { headers })).json();
    const short = { status: 'degraded', live: true, ready: true };
    expect(await ask({})).toEqual(short);
    expect(await ask({ 'X-API-Key': 'another token' })).toEqual(short);
    expect(await ask({ Authorization: 'Bearer a' })).toEqual(short);
    expect(await ask({ 'X-API-Key': token.reveal() })).toEqual({
      ...short,
      store: { status: 'ok' },
      database: {
        status: 'unreachable',
        seconds_since_answer: null,
        unread_entries: 2,
        writes_under_way: 0,
      },
      model: { status: 'ok', without_vector: 3 },
      remote: { status: 'off' },
    });
  });

  test('of a database that knows the callers and hangs: short, and soon', async () => {
    const hanging = { authenticate: () => new Promise<null>(() => undefined) };
    const app = appWith(working(), { authenticators: [hanging] });
    const answer = await app.request('/health', { headers: { 'X-API-Key': 'a personal token' } });
    expect(await answer.json()).toEqual({ status: 'ok', live: true, ready: true });
  });

  test('of a store that hangs: not ready, and nobody waits long', async () => {
    const app = appWith(() => new Promise(() => undefined));
    const begun = performance.now();
    expect((await app.request('/health/ready')).status).toBe(503);
    expect((await app.request('/health/live')).status).toBe(200);
    expect(performance.now() - begun).toBeLessThan(30_000);
  });
});
