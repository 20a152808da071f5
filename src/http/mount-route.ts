import type { Hono } from 'hono';
import { RequestRefusedError } from '../errors/input-errors.ts';
import { settleWithin } from '../util/concurrency.ts';
import { untilAborted } from '../util/until-aborted.ts';
import { visibleJson } from '../util/visible-text.ts';
import { readRequest, type Route } from './route.ts';
import { requireAccess } from './guards/token-guard.ts';
import type { HttpContext, HttpEnvironment } from './http-environment.ts';
import { streamProgress, wantsEvents } from './stream-progress.ts';

/** Longest wait for an answer that cannot stream. */
const LIMIT_MS = 60_000;

/** Behind a parameter: it takes all that follows. */
export const REST_OF_PATH = '{.+}';

export interface RouteSurroundings<Provided> {
  /** Opens the services of the route's handler. */
  readonly open: (context: HttpContext) => Promise<Provided>;
  /** See `ServerParts`. */
  readonly prepare?: (context: HttpContext) => void;
  /** Begins the path; default empty. */
  readonly prefix?: string;
  /** Default a minute. */
  readonly limitMs?: number;
}

/** Answers one operation of the REST API. */
export function mountRoute<Provided>(
  app: Hono<HttpEnvironment>,
  route: Route<Provided>,
  { open, prepare, prefix = '', limitMs = LIMIT_MS }: RouteSurroundings<Provided>,
): void {
  const answer = async (context: HttpContext, signal: AbortSignal): Promise<Response> => {
    const perform = route.prepare(await readRequest(context, route));
    const services = await open(context);
    if (route.leadsToSearch === true) prepare?.(context);
    if (route.long && wantsEvents(context)) return streamProgress(context, (work) => perform(services, work));
    const body = visibleJson(await perform(services, { signal }));
    return context.body(body, route.status, { 'Content-Type': 'application/json' });
  };
  const path =
    prefix + route.path.replaceAll(/\{(\w+)\}/g, ':$1') + (route.slashes === true ? REST_OF_PATH : '');
  app.on(route.method, path, async (context) => {
    requireAccess(context, route.access);
    const { signal } = context.req.raw;
    if (route.long) return answer(context, signal);
    const late = new AbortController();
    const answering = untilAborted([signal, late.signal], (until) => answer(context, until));
    const answered = await settleWithin(answering, limitMs);
    if (answered !== undefined) return answered;
    late.abort();
    throw new RequestRefusedError('TIMED_OUT', `No answer was ready within ${limitMs / 1_000} seconds`, {
      fix: 'Look whether it was done all the same, and try again later.',
    });
  });
}
