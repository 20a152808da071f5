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
