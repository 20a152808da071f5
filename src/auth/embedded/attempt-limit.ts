import { LRUCache } from 'lru-cache';

const MOST_KEYS = 10_000;

/** Counts attempts by a key, such as a name or an address, in a window of time. */
export class AttemptLimit {
  readonly #most: number;
  readonly #windowMs: number;
  readonly #attempts: LRUCache<string, { count: number; readonly since: number }>;

  constructor({ most, windowMs }: { readonly most: number; readonly windowMs: number }) {
    this.#most = most;
    this.#windowMs = windowMs;
    this.#attempts = new LRUCache({ max: MOST_KEYS, ttl: windowMs, noUpdateTTL: true });
  }

  /** @returns seconds to wait; 0 = another attempt may be made */
  waitFor(key: string): number {
    const known = this.#attempts.get(key);
    if (known === undefined || known.count < this.#most) return 0;
    return Math.max(1, Math.ceil((known.since + this.#windowMs - Date.now()) / 1_000));
  }

  count(key: string): void {
    const known = this.#attempts.get(key);
    if (known === undefined) this.#attempts.set(key, { count: 1, since: Date.now() });
    else known.count += 1;
  }

  /** Takes one attempt back, which has succeeded. */
  takeBack(key: string): void {
    const known = this.#attempts.get(key);
    if (known !== undefined) known.count -= 1;
  }
}
