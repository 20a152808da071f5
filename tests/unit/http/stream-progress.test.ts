import { Hono } from 'hono';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { WorkOptions } from '../../../src/backup/backup-api.ts';
import { SyncOffError } from '../../../src/errors/remote-errors.ts';
import type { RouteData } from '../../../src/http/route.ts';
import type { HttpEnvironment } from '../../../src/http/http-environment.ts';
import { streamProgress } from '../../../src/http/stream-progress.ts';
import { createLogger } from '../../../src/logger.ts';

const logged: string[] = [];

beforeEach(() => {
  logged.length = 0;
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

async function eventsOf(perform: (work: WorkOptions) => Promise<RouteData>): Promise<string> {
  const app = new Hono<HttpEnvironment>();
  app.get('/', (context) => {
    context.set('requestId', 'the-request');
    context.set('logger', createLogger({ level: 'error', write: (line) => logged.push(line) }));
    return streamProgress(context, perform);
  });
  const response = await app.request('/');
  return response.text();
}

describe('streamProgress', () => {
  test('sends each step once, then the result', async () => {
    const events = await eventsOf(({ onProgress }) => {
      for (const done of [1, 2, 3]) onProgress?.({ step: 'reading', done, total: 3 });
      onProgress?.({ step: 'writing', done: 1 });
      return Promise.resolve({ outcome: 'written' });
    });
    expect(events).toBe(
      'event: progress\ndata: {"step":"reading","done":1,"total":3}\n\n' +
        'event: progress\ndata: {"step":"writing","done":1}\n\n' +
        'event: result\ndata: {"outcome":"written"}\n\n',
    );
  });

  test('ends with a problem when the work fails', async () => {
    const events = await eventsOf(() => Promise.reject(new SyncOffError()));
    expect(events).toMatch(/^event: problem\ndata: {.*"code":"SYNC_OFF".*"request_id":"the-request"/);
    expect(logged).toEqual([]);
  });

  test('logs what nobody expected, and tells the caller no more than that', async () => {
    const events = await eventsOf(() => Promise.reject(new Error('the inside of it')));
    expect(events).toMatch(/"code":"INTERNAL"/);
    expect(events).not.toContain('the inside');
    expect(logged.join('')).toContain('the inside of it');
  });

  test('keeps silent work alive', async () => {
    const events = eventsOf(
      () =>
        new Promise((resolve) => {
          setTimeout(resolve, 31_000, { done: true });
        }),
    );
    await vi.advanceTimersByTimeAsync(31_000);
    expect(await events).toBe(': still at it\n\n: still at it\n\nevent: result\ndata: {"done":true}\n\n');
    expect(vi.getTimerCount()).toBe(0);
  });
});
