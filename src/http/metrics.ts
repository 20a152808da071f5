import type { MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { OpenServices } from '../api/services.ts';
import type { Logger } from '../logger.ts';
import type { Tracer } from '../util/tracer.ts';
import type { HttpContext, HttpEnvironment } from './http-environment.ts';
import { REST_OF_PATH } from './mount-route.ts';

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];
const PREFIX = 'faiss_memory_';

/** The numbers for a monitoring system, in the text format of Prometheus. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #durations: Histogram<'method' | 'route' | 'status'>;

  constructor(open: OpenServices) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry, prefix: PREFIX });
    this.#durations = new Histogram({
      name: `${PREFIX}http_request_duration_seconds`,
      help: 'Time until the answer begins, by route.',
      labelNames: ['method', 'route', 'status'],
      buckets: SECONDS,
      registers,
    });
    const memories = new Gauge({
      name: `${PREFIX}memories`,
      help: 'Memories by state.',
      labelNames: ['state'],
      registers,
      collect: async () => {
        memories.reset();
        const stats = await known(open().then(({ memory }) => memory.stats()));
        if (stats === undefined) return;
        memories.set({ state: 'live' }, stats.live);
        memories.set({ state: 'trash' }, stats.trash);
        memories.set({ state: 'hidden' }, stats.hidden);
        memories.set({ state: 'conflict' }, stats.conflicts);
        memories.set({ state: 'without_vector' }, stats.embedding.pending);
      },
    });
    const lastPush = new Gauge({
      name: `${PREFIX}last_push_timestamp_seconds`,
      help: 'When the remote confirmed a snapshot last; absent when never.',
      registers,
      collect: async () => {
        // Without it, it would be 0: pushed in 1970.
        lastPush.remove();
        const status = await known(open().then(({ sync }) => sync.status({ offline: true })));
        const at = status?.lastPush?.at;
        if (at !== undefined) lastPush.set(at / 1_000);
      },
    });
  }

  /** Measures every request. */
  observe(): MiddlewareHandler<HttpEnvironment> {
    return async (context, next) => {
      const stop = this.#durations.startTimer();
      await next();
      const { method } = context.req;
      stop({
        method: KNOWN_METHODS.has(method) ? method : 'other',
        route: routeOf(context),
        status: context.res.status,
      });
    };
  }

  async text(): Promise<{ readonly body: string; readonly contentType: string }> {
    return { body: await this.#registry.metrics(), contentType: this.#registry.contentType };
  }
}

/** Undefined when it cannot be known now; the other metrics are of use all the more then. */
function known<Value>(asked: Promise<Value>): Promise<Value | undefined> {
  return asked.catch(() => undefined);
}

const KNOWN_METHODS = new Set(['GET', 'HEAD', 'POST', 'PATCH', 'DELETE', 'OPTIONS']);

/**
 * Writes one entry for each request, when its answer begins. Only the route, never the path or the query: they can
 * hold text of a user.
 */
export function requestLog(logger: Logger): MiddlewareHandler<HttpEnvironment> {
  return async (context, next) => {
    const request = context.get('requestId');
    const own = logger.child({ request });
    context.set('logger', own);
    const start = performance.now();
    await next();
    // Answers of MCP are not made by Hono, which adds it to its own.
    context.res.headers.set('X-Request-Id', request);
    const { status } = context.res;
    const fields = {
      method: context.req.method,
      route: routeOf(context),
      status,
      ms: Math.round(performance.now() - start),
    };
    own.info('a request was answered', fields);
  };
}

/** A span for each request but those of the machinery, as a part of the client's trace if there is one. */
export function requestSpans(tracer: Tracer): MiddlewareHandler<HttpEnvironment> {
  return (context, next) => {
    if (MACHINERY.test(context.req.path)) return next();
    const method = KNOWN_METHODS.has(context.req.method) ? context.req.method : 'other';
    const { traceparent, tracestate } = context.req.header();
    const headers = {
      ...(traceparent === undefined ? {} : { traceparent }),
      ...(tracestate === undefined ? {} : { tracestate }),
    };
    const facts = { 'http.request.method': method };
    return tracer.span({ name: method, kind: 'server', facts, headers }, async (span) => {
      await next();
      const { status } = context.res;
      const route = routeOf(context);
      span.rename(`${method} ${route}`);
      span.add({ 'http.route': route, 'http.response.status_code': status });
      if (status >= 500) span.fail(String(status));
    });
  };
}

const MACHINERY = /^\/(?:health|metrics|ui)(?:\/|$)/;

const EVERY_PATH = '/*';

/** The declared path that a request met, such as `/memory/:id`; `/*` when it met none. */
function routeOf(context: HttpContext): string {
  // Guards stand for every path, before and behind the routes.
  const own = matchedRoutes(context).findLast(({ path }) => path !== EVERY_PATH);
  return own?.path.replace(REST_OF_PATH, '') ?? EVERY_PATH;
}
