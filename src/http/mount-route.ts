import type { Hono } from 'hono';
import { RequestRefusedError } from '../errors/input-errors.ts';
import { settleWithin } from '../util/concurrency.ts';
import { visibleJson } from '../util/visible-text.ts';
import type { OpenServices } from '../api/services.ts';
import { readRequest, type Route } from './route.ts';
import { requireAccess } from './guards/token-guard.ts';
import type { HttpContext, HttpEnvironment } from './http-environment.ts';
import { streamProgress, wantsEvents } from './stream-progress.ts';

/** Longest wait for an answer that cannot stream. */
const LIMIT_MS = 60_000;

/** Behind a parameter: it takes all that follows. */
export const REST_OF_PATH = '{.+}';

export interface RouteSurroundings {
  readonly open: OpenServices;
  /** See `ServerParts`. */
  readonly prepare?: () => void;
  /** Default a minute. */
  readonly limitMs?: number;
}

/** Answers one operation of the REST API. */
export function mountRoute(
  app: Hono<HttpEnvironment>,
  route: Route,
  { open, prepare, limitMs = LIMIT_MS }: RouteSurroundings,
): void {
  const answer = async (context: HttpContext, signal: AbortSignal): Promise<Response> => {
    const perform = route.prepare(await readRequest(context, route));
    const services = await open();
    if (route.leadsToSearch === true) prepare?.();
    if (route.long && wantsEvents(context)) return streamProgress(context, (work) => perform(services, work));
    const body = visibleJson(await perform(services, { signal }));
    return context.body(body, route.status, { 'Content-Type': 'application/json' });
  };
  const path = route.path.replaceAll(/\{(\w+)\}/g, ':$1') + (route.slashes === true ? REST_OF_PATH : '');
  app.on(route.method, path, async (context) => {
    requireAccess(context, route.access);
    const { signal } = context.req.raw;
    if (route.long) return answer(context, signal);
    const late = new AbortController();
    const answering = answer(context, AbortSignal.any([signal, late.signal]));
    const answered = await settleWithin(answering, limitMs);
    if (answered !== undefined) return answered;
    late.abort();
    throw new RequestRefusedError('TIMED_OUT', `No answer was ready within ${limitMs / 1_000} seconds`, {
      fix: 'Look whether it was done all the same, and try again later.',
    });
  });
}
