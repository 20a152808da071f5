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
