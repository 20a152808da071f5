import type { HttpBindings } from '@hono/node-server';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { rateGuard } from '../../../src/http/guards/limit-guards.ts';
import { codeOf, guardedApp } from '../../helpers/guarded-app.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function serverWith(limit: number): (remoteAddress: string) => Promise<string> {
  const { app } = guardedApp(rateGuard(limit));
  app.get('/', (context) => context.text('in'));
  return (remoteAddress) => {
    // All that the guard looks at.
    const bindings = { incoming: { socket: { remoteAddress } } } as unknown as HttpBindings;
    return codeOf(app.request('/', {}, bindings));
  };
}

describe('rateGuard', () => {
  test('counts each client by itself', async () => {
    const from = serverWith(2);
    expect([await from('10.0.0.1'), await from('10.0.0.1'), await from('10.0.0.1')]).toEqual([
      '200',
      '200',
      '429 RATE_LIMITED',
    ]);
    expect(await from('10.0.0.2')).toBe('200');
  });

  test('lets a client in again when the minute is over', async () => {
    const from = serverWith(1);
    expect([await from('10.0.0.1'), await from('10.0.0.1')]).toEqual(['200', '429 RATE_LIMITED']);
    vi.advanceTimersByTime(60_000);
    expect(await from('10.0.0.1')).toBe('200');
  });

  test('says when that is', async () => {
    const { app } = guardedApp(rateGuard(1));
    const bindings = { incoming: { socket: { remoteAddress: '10.0.0.1' } } } as unknown as HttpBindings;
    await app.request('/', {}, bindings);
    vi.advanceTimersByTime(20_000);
    const refused = await app.request('/', {}, bindings);
    expect(refused.headers.get('retry-after')).toBe('40');
  });

  test('with 0 lets in any number', async () => {
    const from = serverWith(0);
    for (let count = 0; count < 100; count += 1) expect(await from('10.0.0.1')).toBe('200');
  });
});
