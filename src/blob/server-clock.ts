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
  observe(dateHeader: string | null | undefined): void {
    const serverTime = Date.parse(dateHeader ?? '');
    if (Number.isNaN(serverTime)) return;
    this.#observed = { serverTime, monotonic: this.#monotonicNow() };
  }

  /** Milliseconds since 1970, exact to about a second; null before the first observation. */
  now(): number | null {
    if (this.#observed === undefined) return null;
    return this.#observed.serverTime + (this.#monotonicNow() - this.#observed.monotonic);
  }
}
