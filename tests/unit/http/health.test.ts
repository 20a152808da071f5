import { Hono } from 'hono';
import { describe, expect, test } from 'vitest';
import { StoreUnavailableError } from '../../../src/errors/store-errors.ts';
import { mountHealth } from '../../../src/http/server-paths.ts';
import type { HttpEnvironment } from '../../../src/http/http-environment.ts';
import type { OpenServices } from '../../../src/api/services.ts';
import { fakeServices } from '../../helpers/fake-services.ts';

function appWith(open: OpenServices, isStopping = false): Hono<HttpEnvironment> {
  const app = new Hono<HttpEnvironment>();
  mountHealth(app, { open, isStopping: () => isStopping });
  return app;
}

const working: OpenServices = () =>
  Promise.resolve(fakeServices({ memory: { list: () => Promise.resolve({ memories: [], total: 0 }) } }));
const broken: OpenServices = () => Promise.reject(new StoreUnavailableError('The disk is gone'));

describe('health', () => {
  test.each([
    ['works', working, false, 200, { status: 'ok', live: true, ready: true }],
    ['cannot open its store', broken, false, 503, { status: 'unavailable', live: true, ready: false }],
    ['is stopping', working, true, 503, { status: 'unavailable', live: true, ready: false }],
  ] as const)('of a server that %s', async (_, open, isStopping, ready, whole) => {
    const app = appWith(open, isStopping);
    expect((await app.request('/health/live')).status).toBe(200);
    const answer = await app.request('/health/ready');
    expect([answer.status, await answer.json()]).toEqual([ready, { ready: whole.ready }]);
    const all = await app.request('/health');
    expect([all.status, await all.json()]).toEqual([200, whole]);
  });
});
