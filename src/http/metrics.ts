import type { MiddlewareHandler } from 'hono';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { OpenServices } from '../wire/services.ts';
import type { HttpEnvironment } from './http-environment.ts';
import { routeOf } from './route-of.ts';

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];
const PREFIX = 'faiss_memory_';

/** What a monitoring system reads, in the text format of Prometheus. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #durations: Histogram<'method' | 'route' | 'status'>;

  constructor(open: OpenServices) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry, prefix: PREFIX });
    this.#durations = new Histogram({
      name: `${PREFIX}http_request_duration_seconds`,
      help: 'Time to the whole answer, by route.',
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
        const { memory } = await open();
        const { live, trash, conflicts, embedding } = await memory.stats();
        memories.set({ state: 'live' }, live);
        memories.set({ state: 'trash' }, trash);
        memories.set({ state: 'conflict' }, conflicts);
        memories.set({ state: 'without_vector' }, embedding.pending);
      },
    });
    const lastPush = new Gauge({
      name: `${PREFIX}last_push_timestamp_seconds`,
      help: 'When the remote confirmed a snapshot last; absent when never.',
      registers,
      collect: async () => {
        const { sync } = await open();
        const status = await sync.status({ offline: true });
        if (status.lastPush !== null) lastPush.set(status.lastPush.at / 1_000);
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

const KNOWN_METHODS = new Set(['GET', 'HEAD', 'POST', 'PATCH', 'DELETE', 'OPTIONS']);
