import { AsyncLocalStorage } from 'node:async_hooks';

/** Facts about a piece of work. Never texts, names of people or spaces, addresses or tokens. */
export type SpanFacts = Readonly<Record<string, string | number | boolean>>;

export interface SpanRequest {
  /** One of few, for example `store add`. */
  readonly name: string;
  /** server: answers a request; client: waits for another program. Default internal. */
  readonly kind?: 'server' | 'client' | 'internal';
  readonly facts?: SpanFacts;
  /** Headers of the request that is answered, of which those of W3C Trace Context count. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A span that has begun. */
export interface Span {
  add(facts: SpanFacts): void;
  rename(name: string): void;
  /** The work failed, although it did not reject. */
  fail(code: string): void;
  /** Adds parts of this work that were measured in another thread. */
  addParts(timings: readonly Timing[]): void;
}

/** A piece of work that was measured elsewhere; times in milliseconds since the epoch. */
export interface Timing {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly failed: boolean;
}

/** Tells another program how long which work took. */
export interface Tracer {
  /** Runs work as a span; spans that begin meanwhile are parts of it. A rejection marks it as failed. */
  span<Result>(request: SpanRequest, work: (span: Span) => Promise<Result>): Promise<Result>;
  /** Sends the rest, for at most some seconds. Never rejects. */
  close(): Promise<void>;
}

const recorder = new AsyncLocalStorage<Timing[]>();

/** Runs work, and gives the timings of all that it did by `timed`. */
export async function recordTimings<Result>(work: () => Promise<Result>): Promise<[Result, Timing[]]> {
  const timings: Timing[] = [];
  return [await recorder.run(timings, work), timings];
}

/** Runs work, and records its time if a caller asked for that. */
export async function timed<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  const timings = recorder.getStore();
  if (timings === undefined) return work();
  const start = Date.now();
  const begun = performance.now();
  const end = (failed: boolean): void => {
    timings.push({ name, start, end: start + performance.now() - begun, failed });
  };
  try {
    const result = await work();
    end(false);
    return result;
  } catch (error) {
    end(true);
    throw error;
  }
}

/** The same object, of which calls of some methods are spans. */
export function traced<Api extends object>(
  api: Api,
  tracer: Tracer | undefined,
  { name, methods }: { readonly name: string; readonly methods: readonly (keyof Api & string)[] },
): Api {
  if (tracer === undefined) return api;
  const known: ReadonlySet<unknown> = new Set(methods);
  return new Proxy(api, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      const call = (...parameters: unknown[]): unknown => Reflect.apply(value, target, parameters);
      if (!known.has(property)) return call;
      return (...parameters: unknown[]) =>
        tracer.span({ name: `${name} ${String(property)}` }, () => Promise.resolve(call(...parameters)));
    },
  });
}
