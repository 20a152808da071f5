import type { MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { OpenServices, Workspace } from '../api/services.ts';
import type { Logger } from '../logger.ts';
import type { Tracer } from '../util/tracer.ts';
import type { Stats } from '../memory/memory-api.ts';
import type { Admission } from './guards/admission.ts';
import { SpaceMetrics } from './space-metrics.ts';
import type { HttpContext, HttpEnvironment } from './http-environment.ts';
import { REST_OF_PATH } from './mount-route.ts';

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];
const PREFIX = 'faiss_memory_';

/** The numbers for a monitoring system, in the text format of Prometheus. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #durations: Histogram<'method' | 'route' | 'status'>;
  readonly #spaces: SpaceMetrics | undefined;

  /** @param parts.hasSpaces requests are about different spaces */
  constructor(open: OpenServices, { admission, hasSpaces = false }: MetricsParts = {}) {
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
    this.#spaces = hasSpaces ? new SpaceMetrics(this.#registry, { prefix: PREFIX }) : undefined;
    if (admission !== undefined) addAdmission(this.#registry, admission);
    addDatabase(this.#registry, open);
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
      const seconds = stop({
        method: KNOWN_METHODS.has(method) ? method : 'other',
        route: routeOf(context),
        status: context.res.status,
      });
      const { space, parts } = (context.get('workspace') as Workspace | undefined) ?? {};
      if (space === undefined || parts === undefined) return;
      const isWrite = method !== 'GET' && method !== 'HEAD' && !READS.test(context.req.path);
      this.#spaces?.note({ space, isWrite, seconds, open: parts.open });
    };
  }

  async text(): Promise<{ readonly body: string; readonly contentType: string }> {
    return { body: await this.#registry.metrics(), contentType: this.#registry.contentType };
  }
}

/** The path of a call of MCP does not tell its effect. */
const READS = /\/(?:search|is-novel|mcp(?:\/[^/]*)?)\/?$/;

export interface MetricsParts {
  readonly admission?: Admission;
  readonly hasSpaces?: boolean;
}

function addAdmission(registry: Registry, admission: Admission): void {
  const registers = [registry];
  const gauge = (name: string, help: string, value: () => number): void => {
    new Gauge({
      ...{ name: PREFIX + name, help, registers },
      collect() {
        this.set(value());
      },
    });
  };
  gauge('http_running', 'Requests that are worked on.', () => admission.running);
  gauge('http_waiting', 'Requests that wait for their turn.', () => admission.waiting);
  new Counter({
    name: `${PREFIX}http_refused_total`,
    help: 'Requests refused because of too much work: full = too many waited, slow = the turn would have come too late, late = it did not come.',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset();
      for (const [reason, count] of Object.entries(admission.refused)) this.inc({ reason }, count);
    },
  });
}

type Shared = NonNullable<Stats['shared']>;

const DATABASE: readonly (readonly [name: string, help: string, value: (shared: Shared) => number | null])[] =
  [
    ['up', 'Whether the shared database answered the last question.', ({ answers }) => Number(answers)],
    ['answer_age_seconds', 'Time since its last answer.', ({ secondsSinceAnswer }) => secondsSinceAnswer],
    ['unread_entries', 'Entries of its log that are known of and not read yet.', ({ lag }) => lag],
    [
      'loading',
      '1 while memories that were there before are still being read.',
      ({ loading }) => Number(loading),
    ],
    ['writes_under_way', 'Writes that are under way.', ({ writes }) => writes],
    ['lost_races', 'Writes since the start that another server overtook.', ({ lostRaces }) => lostRaces],
    ['connections', 'Open connections of the thread that writes.', ({ open }) => open],
    ['connections_opened', 'Connections of this thread since the start.', ({ opened }) => opened],
    ['statements_waiting', 'Statements of this thread that wait for a connection.', ({ waiting }) => waiting],
  ];

/** Absent without a shared database. */
function addDatabase(registry: Registry, open: OpenServices): void {
  let last: Promise<Shared | undefined> | undefined;
  const ask = (): Promise<Shared | undefined> => {
    // All gauges are collected together, with one question.
    last ??= known(open().then(({ memory }) => memory.stats())).then((stats) => {
      last = undefined;
      return stats?.shared;
    });
    return last;
  };
  for (const [name, help, value] of DATABASE) {
    new Gauge({
      ...{ name: `${PREFIX}database_${name}`, help, registers: [registry] },
      async collect() {
        const shared = await ask();
        const now = shared === undefined ? null : value(shared);
        this.remove();
        if (now !== null) this.set(now);
      },
    });
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
