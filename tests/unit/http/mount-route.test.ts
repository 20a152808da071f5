import { expect, test, vi } from 'vitest';
import * as z from 'zod/mini';
import { defineRoute } from '../../../src/http/route.ts';
import { mountRoute } from '../../../src/http/mount-route.ts';
import type { Services } from '../../../src/api/services.ts';
import { guardedApp } from '../../helpers/guarded-app.ts';

/** An operation that ends only when it is told to. */
function endlessRoute() {
  const ended = vi.fn();
  const route = defineRoute({
    name: 'endless',
    method: 'POST',
    path: '/endless',
    group: 'Server',
    summary: 'Waits',
    access: 'read',
    input: z.strictObject({}),
    output: z.object({}),
    handle: (_services, _input, { signal }) =>
      new Promise((_, reject) => {
        signal?.addEventListener('abort', () => {
          ended();
          reject(new Error('nobody waits for this'));
        });
      }),
  });
  const { app } = guardedApp();
  // The operation asks for no service.
  mountRoute(app, route, { open: () => Promise.resolve({} as Services), limitMs: 20 });
  return { app, ended };
}

test('answers 503 when the operation takes too long, and ends it', async () => {
  const { app, ended } = endlessRoute();
  const answer = await app.request('/endless', { method: 'POST' });
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({
    code: 'TIMED_OUT',
    detail: 'No answer was ready within 0.02 seconds',
    retryable: true,
  });
  await expect.poll(() => ended.mock.calls.length).toBe(1);
});

test('answers 503 when the request takes too long to arrive', async () => {
  const { app } = endlessRoute();
  const body = new ReadableStream({ pull: () => new Promise(() => undefined) });
  const answer = await app.request('/endless', { method: 'POST', body, duplex: 'half' });
  expect(answer.status).toBe(503);
});

test('ends the operation when the caller goes away', async () => {
  const { app, ended } = endlessRoute();
  const caller = new AbortController();
  const answering = app.request('/endless', { method: 'POST', signal: caller.signal });
  setImmediate(() => {
    caller.abort();
  });
  await expect.poll(() => ended.mock.calls.length).toBe(1);
  expect((await answering).status).toBe(500);
});
