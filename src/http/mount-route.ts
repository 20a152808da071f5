import type { Hono } from 'hono';
import { timeout } from 'hono/timeout';
import { RequestRefusedError } from '../errors/request-refused-error.ts';
import type { OpenServices } from '../wire/services.ts';
import type { Route } from './define-route.ts';
import { requireAccess } from './guards/token-guard.ts';
import type { HttpEnvironment } from './http-environment.ts';
import { readRequest } from './read-request.ts';
import { streamProgress } from './stream-progress.ts';

/** Longest wait for an answer that does not stream. */
const LIMIT_MS = 60_000;

/** Answers one operation of the REST API. */
export function mountRoute(app: Hono<HttpEnvironment>, route: Route, open: OpenServices): void {
  const path = route.path.replaceAll(/\{(\w+)\}/g, ':$1');
  if (!route.long) app.on(route.method, path, timeout(LIMIT_MS, timedOut));
  app.on(route.method, path, async (context) => {
    requireAccess(context, route.access);
    const perform = route.prepare(await readRequest(context, route));
    const services = await open();
    const { signal } = context.req.raw;
    const streams = /\btext\/event-stream\b/.test(context.req.header('accept') ?? '');
    if (route.long && streams) return streamProgress(context, (work) => perform(services, work));
    return context.json(await perform(services, { signal }), route.status);
  });
}

function timedOut(): never {
  throw new RequestRefusedError('TIMED_OUT', `No answer was ready within ${LIMIT_MS / 1_000} seconds`, {
    fix: 'Try again later.',
  });
}
