import { BlobStoreError } from '../errors/remote-errors.ts';
import type { BlobCallOptions } from './blob-store.ts';
import type { CallContext, FailedCall } from './failure.ts';

export type RequestCall = Omit<CallContext, 'location'> & {
  /** How much is sent. */
  readonly bytes?: number;
};

export interface RequestRunnerOptions {
  readonly location: string;
  /** See `CloudBlobSettings.timeoutMs`; default 30 s. */
  readonly timeoutMs: number | undefined;
  readonly secrets: readonly (string | undefined)[];
  readonly toError: (error: unknown, call: FailedCall) => BlobStoreError;
}

/** Runs the requests of one store: bounded in time, refused once closed, with typed errors. */
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

  /** Every later call is refused. */
  close(): void {
    this.#closed = true;
  }
}

/** Slower than this for long is as good as broken: 16 KiB/s. */
const slowestBytesPerMs = 16;

export interface DeadlineOptions {
  /** Longest time without any progress. */
  readonly idleMs: number;
  /** The caller's own signal. */
  readonly signal?: AbortSignal | undefined;
  /** Bytes that will be sent; they lengthen the first wait. */
  readonly bytes?: number | undefined;
}

/**
 * Bounds one request: it ends when nothing happens for `idleMs`, or when it takes longer than `idleMs` plus the
 * time its bytes need on a very slow line. A store that trickles a byte now and then cannot hold it open.
 */
export class Deadline {
  /** Aborts when time is up, or when the caller's signal does. */
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

  /** True when time ran out, which looks like any other broken connection in the error that it causes. */
  get expired(): boolean {
    return this.#timer.signal.aborted;
  }

  /** An answer has begun, and this many bytes are to come. */
  expect(bytes: number): void {
    clearTimeout(this.#total);
    this.#total = this.#after(this.#options.idleMs + bytes / slowestBytesPerMs);
    this.progress();
  }

  /** Something arrived. */
  progress(): void {
    clearTimeout(this.#idle);
    this.#idle = this.#after(this.#options.idleMs);
  }

  /** Must be called when the request is over. */
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
 * The store's clock, learnt from its answers. Between answers it runs on with the monotonic clock, so a change of
 * the local time of day does not move it.
 */
export class ServerClock {
  #observed: { readonly serverTime: number; readonly monotonic: number } | undefined;
  readonly #monotonicNow: () => number;

  constructor(monotonicNow: () => number = () => performance.now()) {
    this.#monotonicNow = monotonicNow;
  }

  /** Takes the `Date` header of an answer; anything that is not a date is ignored. */
  observeHeader(dateHeader: string | null | undefined): void {
    this.observe(Date.parse(dateHeader ?? ''));
  }

  /** Takes a time that the store just told, in milliseconds since 1970; NaN is ignored. */
  observe(serverTime: number): void {
    if (Number.isNaN(serverTime)) return;
    this.#observed = { serverTime, monotonic: this.#monotonicNow() };
  }

  /** Milliseconds since 1970, exact to about a second; null before the first observation. */
  now(): number | null {
    if (this.#observed === undefined) return null;
    return this.#observed.serverTime + (this.#monotonicNow() - this.#observed.monotonic);
  }
}
