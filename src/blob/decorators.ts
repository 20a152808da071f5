import { setTimeout as sleep } from 'node:timers/promises';
import { type BlobOperation, BlobStoreError } from '../errors/remote-errors.ts';
import type { Blob, BlobStore, BlobTraffic } from './blob-store.ts';

/** A call, as an interceptor sees it. */
export interface InterceptedCall {
  readonly operation: Exclude<BlobOperation, 'open' | 'create-bucket'>;
  /** The key, or the prefix of a list. */
  readonly key: string;
  readonly signal: AbortSignal | undefined;
  /** True for a put with `onlyIf`. Repeating it may fail although the first try succeeded. */
  readonly conditional: boolean;
}

/** Runs around every call. It may call `proceed` any number of times. */
export type BlobInterceptor = <T>(call: InterceptedCall, proceed: () => Promise<T>) => Promise<T>;

/** Wraps a store so that every call passes through `interceptor`. Closing the result closes `inner`. */
export function interceptBlobStore(inner: BlobStore, interceptor: BlobInterceptor): BlobStore {
  const describe = (
    operation: InterceptedCall['operation'],
    key: string,
    options: { readonly signal?: AbortSignal | undefined; readonly onlyIf?: unknown } = {},
  ): InterceptedCall => ({
    operation,
    key,
    signal: options.signal,
    conditional: options.onlyIf !== undefined,
  });
  return {
    location: inner.location,
    put: (key, bytes, options) =>
      interceptor(describe('put', key, options), () => inner.put(key, bytes, options)),
    get: (key, options) => interceptor(describe('get', key, options), () => inner.get(key, options)),
    getIfChanged: (key, etag, options) =>
      interceptor(describe('get', key, options), () => inner.getIfChanged(key, etag, options)),
    head: (key, options) => interceptor(describe('head', key, options), () => inner.head(key, options)),
    list: (prefix, options) =>
      interceptor(describe('list', prefix, options), () => inner.list(prefix, options)),
    delete: (key, options) => interceptor(describe('delete', key, options), () => inner.delete(key, options)),
    serverTime: () => inner.serverTime(),
    close: () => inner.close(),
  };
}

export interface RetryOptions {
  /** Number of tries, including the first. @default 5 */
  readonly attempts?: number;
  /** Upper bound of the first wait in milliseconds. It doubles with each further wait. @default 250 */
  readonly baseDelayMs?: number;
  /** Upper bound of every wait that the store did not ask for, in milliseconds. @default 15000 */
  readonly maxDelayMs?: number;
  /** When the store asks for a longer wait than this, the error is thrown instead. Milliseconds. @default 60000 */
  readonly maxRetryAfterMs?: number;
  /** Returns a number of at least 0 and below 1. Replaced in tests. */
  readonly random?: () => number;
  /** Waits. Must reject when the signal aborts. Replaced in tests. */
  readonly wait?: (milliseconds: number, signal: AbortSignal | undefined) => Promise<unknown>;
}

const defaults: Required<RetryOptions> = {
  attempts: 5,
  baseDelayMs: 250,
  maxDelayMs: 15_000,
  maxRetryAfterMs: 60_000,
  random: Math.random,
  wait: (milliseconds, signal) => sleep(milliseconds, undefined, { signal }),
};

/**
 * Repeats calls that fail with a `retryable` error. Each wait is random, between zero and an exponentially growing
 * bound, so that machines that failed together do not retry together. It is never shorter than the store asked for.
 * After `clock-skew` the call is repeated once, immediately, because the answer contained the right time. A
 * conditional put is repeated only when it was certainly refused.
 */
export function retryingBlobStore(inner: BlobStore, options: RetryOptions = {}): BlobStore {
  const policy = { ...defaults, ...options };
  return interceptBlobStore(inner, async (call, proceed) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await proceed();
      } catch (error) {
        const delay = delayBefore(error, { call, attempt, policy });
        if (delay === undefined) throw error;
        await waitOrThrowReason(delay, call, policy);
      }
    }
  });
}

interface Attempt {
  readonly call: InterceptedCall;
  readonly attempt: number;
  readonly policy: Required<RetryOptions>;
}

/** @returns milliseconds to wait before the next try; undefined to give up */
function delayBefore(error: unknown, { call, attempt, policy }: Attempt): number | undefined {
  if (!(error instanceof BlobStoreError) || !error.retryable || attempt >= policy.attempts) return undefined;
  if (call.conditional && error.maybeApplied) return undefined;
  if (error.reason === 'clock-skew') return attempt === 1 ? 0 : undefined;
  const bound = Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** (attempt - 1));
  const asked = error.retryAfterMs ?? 0;
  return asked > policy.maxRetryAfterMs ? undefined : Math.max(asked, policy.random() * bound);
}

async function waitOrThrowReason(
  delay: number,
  { signal }: InterceptedCall,
  policy: Required<RetryOptions>,
): Promise<void> {
  try {
    await policy.wait(delay, signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

interface Waiting {
  readonly start: () => void;
}

/**
 * Runs at most `limit` calls at once; the others wait in order. This bounds sockets, memory and the load on the
 * provider. A waiting call whose signal aborts rejects with the signal's reason.
 */
export function limitedBlobStore(inner: BlobStore, limit: number): BlobStore {
  const queue = new Set<Waiting>();
  let running = 0;

  function turn(signal: AbortSignal | undefined): Promise<void> {
    if (running < limit) {
      running += 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const leave = () => {
        queue.delete(waiting);
        reject(signal?.reason as Error);
      };
      const waiting: Waiting = {
        start: () => {
          signal?.removeEventListener('abort', leave);
          resolve();
        },
      };
      queue.add(waiting);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  function pass(): void {
    const [next] = queue;
    if (next === undefined) {
      running -= 1;
      return;
    }
    queue.delete(next);
    next.start();
  }

  return interceptBlobStore(inner, async (call, proceed) => {
    call.signal?.throwIfAborted();
    await turn(call.signal);
    try {
      return await proceed();
    } finally {
      pass();
    }
  });
}

/** One finished call. Contains neither credentials nor content. */
export interface BlobLogEntry {
  readonly operation: InterceptedCall['operation'];
  readonly key: string;
  readonly milliseconds: number;
  /** Absent when the call succeeded. */
  readonly error?: string;
}

/** Reports every call when it ends. Inside `retryingBlobStore` it reports each try. */
export function loggedBlobStore(inner: BlobStore, log: (entry: BlobLogEntry) => void): BlobStore {
  return interceptBlobStore(inner, async ({ operation, key }, proceed) => {
    const begin = performance.now();
    const entry = () => ({ operation, key, milliseconds: Math.round(performance.now() - begin) });
    try {
      const result = await proceed();
      log(entry());
      return result;
    } catch (error) {
      log({ ...entry(), error: error instanceof BlobStoreError ? error.reason : String(error) });
      throw error;
    }
  });
}

/** Keys in a page of a list, at all providers. */
const PAGE = 1_000;

/** Reports the requests and bytes of every call. Inside `retryingBlobStore` it reports each try. Deleting is free. */
export function countedBlobStore(
  inner: BlobStore,
  count: (traffic: Partial<BlobTraffic>) => void,
): BlobStore {
  async function reading<Answer extends Blob | null | 'unchanged'>(call: Promise<Answer>): Promise<Answer> {
    count({ reads: 1 });
    const answer = await call;
    if (answer !== null && answer !== 'unchanged') count({ bytesDown: answer.bytes.length });
    return answer;
  }
  return {
    location: inner.location,
    put: (key, bytes, options) => {
      count({ writes: 1, bytesUp: bytes.length });
      return inner.put(key, bytes, options);
    },
    get: (key, options) => reading(inner.get(key, options)),
    getIfChanged: (key, etag, options) => reading(inner.getIfChanged(key, etag, options)),
    head: (key, options) => {
      count({ reads: 1 });
      return inner.head(key, options);
    },
    list: async (prefix, options) => {
      const found = await inner.list(prefix, options);
      count({ writes: Math.max(1, Math.ceil(found.length / PAGE)) });
      return found;
    },
    delete: (key, options) => inner.delete(key, options),
    serverTime: () => inner.serverTime(),
    close: () => inner.close(),
  };
}
