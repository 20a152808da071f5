import { setTimeout as sleep } from 'node:timers/promises';
import { type BlobOperation, BlobStoreError } from '../errors/remote-errors.ts';
import type { BlobStore } from './blob-store.ts';

/** What an interceptor knows about a call. */
export interface InterceptedCall {
  readonly operation: Exclude<BlobOperation, 'open' | 'create-bucket'>;
  /** The key, or the prefix of a list. */
  readonly key: string;
  readonly signal: AbortSignal | undefined;
  /** A put with `onlyIf`: repeating it after it succeeded unseen would make it fail. */
  readonly conditional: boolean;
}

/** Runs around every call; `proceed` may be called any number of times. */
export type BlobInterceptor = <T>(call: InterceptedCall, proceed: () => Promise<T>) => Promise<T>;

/** A store whose every call passes through `interceptor`; the base of the decorators. Closing it closes `inner`. */
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
    head: (key, options) => interceptor(describe('head', key, options), () => inner.head(key, options)),
    list: (prefix, options) =>
      interceptor(describe('list', prefix, options), () => inner.list(prefix, options)),
    delete: (key, options) => interceptor(describe('delete', key, options), () => inner.delete(key, options)),
    serverTime: () => inner.serverTime(),
    close: () => inner.close(),
  };
}

export interface RetryOptions {
  /** Tries in all, the first included; default 5. */
  readonly attempts?: number;
  /** Upper bound of the first wait, doubled for each further one; default 250 ms. */
  readonly baseDelayMs?: number;
  /** Upper bound of any wait that is ours; default 15 s. */
  readonly maxDelayMs?: number;
  /** A store that asks for a longer wait than this gets none: the error is passed on. Default 60 s. */
  readonly maxRetryAfterMs?: number;
  /** 0 ≤ x < 1, for tests. */
  readonly random?: () => number;
  /** Must reject when the signal aborts, for tests. */
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
 * Repeats calls whose error says `retryable`, after a random wait between zero and an exponentially growing bound
 * (full jitter, so that machines that failed together do not come back together), never shorter than the store
 * asked for. A clock that is off is repeated once, at once: the answer has told the time. A conditional put is
 * repeated only when it was certainly refused.
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

/** Milliseconds to wait before the next try; undefined = give up. */
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
 * At most `limit` calls run at once; the others wait in order. Bounds sockets, memory and the burst a provider
 * sees. A call whose signal aborts while it waits leaves the queue with the signal's reason.
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

/** Reports every call when it ends; put it inside the retries to see each try. */
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
