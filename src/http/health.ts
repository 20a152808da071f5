import type { Hono } from 'hono';
import { settleWithin } from '../util/concurrency.ts';
import type { OpenServices } from '../api/services.ts';
import type { HttpEnvironment } from './http-environment.ts';

/** How long the store may take to answer. */
const LIMIT_MS = 2_000;

export interface HealthParts {
  readonly open: OpenServices;
  /** True from the moment that the server was asked to stop. */
  readonly isStopping: () => boolean;
}

/**
 * `/health/live`: the process answers; restart it when it does not. `/health/ready`: the memories can be used; send no
 * requests while it says 503. `/health`: both in one answer. They need no token, so they tell nothing else.
 */
export function mountHealth(app: Hono<HttpEnvironment>, parts: HealthParts): void {
  app.get('/health/live', (context) => context.json({ live: true }));
  app.get('/health/ready', async (context) => {
    const ready = await isReady(parts);
    return context.json({ ready }, ready ? 200 : 503);
  });
  app.get('/health', async (context) => {
    const ready = await isReady(parts);
    return context.json({ status: ready ? 'ok' : 'unavailable', live: true, ready });
  });
}

async function isReady({ open, isStopping }: HealthParts): Promise<boolean> {
  if (isStopping()) return false;
  try {
    const probe = open().then(({ memory }) => memory.list({ limit: 1 }));
    return (await settleWithin(probe, LIMIT_MS)) !== undefined;
  } catch {
    return false;
  }
}
