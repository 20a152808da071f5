import { LRUCache } from 'lru-cache';

const MOST_KEYS = 10_000;

interface Attempts {
  count: number;
  readonly since: number;
}

/** Counts attempts by a key, such as a name or an address, in a window of time. */
export class AttemptLimit {
  readonly #most: number;
  readonly #windowMs: number;
  readonly #attempts = new LRUCache<string, Attempts>({ max: MOST_KEYS });

  constructor({ most, windowMs }: { readonly most: number; readonly windowMs: number }) {
    this.#most = most;
    this.#windowMs = windowMs;
  }

  /** @returns seconds to wait; 0 = another attempt may be made */
  waitFor(key: string): number {
    const known = this.#current(key);
    if (known === undefined || known.count < this.#most) return 0;
    return Math.ceil((known.since + this.#windowMs - Date.now()) / 1_000);
  }

  count(key: string): void {
    const known = this.#current(key);
    if (known === undefined) this.#attempts.set(key, { count: 1, since: Date.now() });
    else known.count += 1;
  }

  /** Takes one attempt back, which has succeeded. */
  takeBack(key: string): void {
    const known = this.#current(key);
    if (known !== undefined) known.count -= 1;
  }

  #current(key: string): Attempts | undefined {
    const known = this.#attempts.get(key);
    return known === undefined || known.since + this.#windowMs <= Date.now() ? undefined : known;
  }
}
