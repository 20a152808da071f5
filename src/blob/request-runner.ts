import { BlobStoreError } from '../errors/remote-errors.ts';
import type { BlobCallOptions } from './blob-store.ts';
import type { CallContext, FailedCall } from './failure.ts';

export type RequestCall = Omit<CallContext, 'location'> & {
  /** Number of bytes to send. */
  readonly bytes?: number;
};

export interface RequestRunnerOptions {
  readonly location: string;
  /** `CloudBlobSettings.timeoutMs`, in milliseconds. @default 30000 */
  readonly timeoutMs: number | undefined;
  readonly secrets: readonly (string | undefined)[];
  /** Translates the library's errors. */
  readonly toError: (error: unknown, call: FailedCall) => BlobStoreError;
}

/** Runs the requests of one store, with a time limit and typed errors. Refuses them after `close`. */
export class RequestRunner {
  readonly location: string;
  readonly #options: RequestRunnerOptions;
  #closed = false;

  constructor(options: RequestRunnerOptions) {
    this.location = options.location;
    this.#options = options;
  }

  /** Rejects with a `BlobStoreError`, or with the reason of the caller's signal. */
  async run<T>(
    call: RequestCall,
    options: BlobCallOptions,
    action: (deadline: Deadline) => Promise<T>,
  ): Promise<T> {
    options.signal?.throwIfAborted();
    const { location, secrets, toError, timeoutMs = 30_000 } = this.#options;
    const context = { operation: call.operation, key: call.key, location };
    if (this.#closed) throw new BlobStoreError('closed', { ...context, problem: 'the store is closed' });
    const deadline = new Deadline({ idleMs: timeoutMs, signal: options.signal, bytes: call.bytes });
    try {
      return await action(deadline);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof BlobStoreError) throw error;
      throw toError(error, { ...context, secrets, timedOut: deadline.expired });
    } finally {
      deadline.dispose();
    }
  }

  /** Makes every later call fail. */
  close(): void {
    this.#closed = true;
  }
}

/** 16 KiB/s. A slower connection counts as broken. */
const slowestBytesPerMs = 16;

export interface DeadlineOptions {
  /** Longest time without progress, in milliseconds. */
  readonly idleMs: number;
  /** The caller's own signal. */
  readonly signal?: AbortSignal | undefined;
  /** Number of bytes to send. They lengthen the first wait. */
  readonly bytes?: number | undefined;
}

/**
 * Limits the time of one request. It ends after `idleMs` without progress, or after `idleMs` plus the time that its
 * bytes need at 16 KiB/s. So a store that sends single bytes cannot keep it open for ever.
 */
export class Deadline {
  /** Aborts when the time is up or the caller's signal aborts. */
  readonly signal: AbortSignal;
  readonly #options: DeadlineOptions;
  readonly #timer = new AbortController();
  #idle: NodeJS.Timeout;
  #total: NodeJS.Timeout;

  constructor(options: DeadlineOptions) {
    this.#options = options;
    this.signal =
      options.signal === undefined
        ? this.#timer.signal
        : AbortSignal.any([options.signal, this.#timer.signal]);
    const first = options.idleMs + (options.bytes ?? 0) / slowestBytesPerMs;
    this.#idle = this.#after(first);
    this.#total = this.#after(first);
  }

  /** True when the time ran out. The resulting error looks like a broken connection. */
  get expired(): boolean {
    return this.#timer.signal.aborted;
  }

  /** Call when an answer begins. @param bytes number of bytes that will follow */
  expect(bytes: number): void {
    clearTimeout(this.#total);
    this.#total = this.#after(this.#options.idleMs + bytes / slowestBytesPerMs);
    this.progress();
  }

  /** Call when bytes arrive. */
  progress(): void {
    clearTimeout(this.#idle);
    this.#idle = this.#after(this.#options.idleMs);
  }

  /** Must be called when the request has ended. */
  dispose(): void {
    clearTimeout(this.#idle);
    clearTimeout(this.#total);
  }

  #after(milliseconds: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#timer.abort();
    }, milliseconds).unref();
  }
}

/**
 * The store's clock, read from its answers. Between answers it advances with the monotonic clock, so a change of the
 * local time does not affect it.
 */
export class ServerClock {
  #observed: { readonly serverTime: number; readonly monotonic: number } | undefined;
  readonly #monotonicNow: () => number;

  constructor(monotonicNow: () => number = () => performance.now()) {
    this.#monotonicNow = monotonicNow;
  }

  /** Reads the `Date` header of an answer. Ignores invalid dates. */
  observeHeader(dateHeader: string | null | undefined): void {
    this.observe(Date.parse(dateHeader ?? ''));
  }

  /** @param serverTime time in a new answer of the store, in milliseconds since the epoch; NaN is ignored */
  observe(serverTime: number): void {
    if (Number.isNaN(serverTime)) return;
    this.#observed = { serverTime, monotonic: this.#monotonicNow() };
  }

  /** @returns milliseconds since the epoch, exact to about a second; null before the first observation */
  now(): number | null {
    if (this.#observed === undefined) return null;
    return this.#observed.serverTime + (this.#monotonicNow() - this.#observed.monotonic);
  }
}
