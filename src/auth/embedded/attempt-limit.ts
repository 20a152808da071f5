import { LRUCache } from 'lru-cache';
import type { AttemptLimit, AttemptRule } from './auth-store.ts';

const MOST_KEYS = 10_000;

interface Attempts {
  count: number;
  readonly since: number;
}

/** Counts in the memory of this process. */
export class LocalAttemptLimit implements AttemptLimit {
  readonly #rule: AttemptRule;
  readonly #attempts = new LRUCache<string, Attempts>({ max: MOST_KEYS });

  constructor(rule: AttemptRule) {
    this.#rule = rule;
  }

  take(key: string): Promise<number> {
    const known = this.#current(key);
    if (known === undefined) {
      this.#attempts.set(key, { count: 1, since: Date.now() });
      return Promise.resolve(0);
    }
    if (known.count >= this.#rule.most) {
      return Promise.resolve(Math.ceil((known.since + this.#rule.windowMs - Date.now()) / 1_000));
    }
    known.count += 1;
    return Promise.resolve(0);
  }

  takeBack(key: string): Promise<void> {
    const known = this.#current(key);
    if (known !== undefined) known.count -= 1;
    return Promise.resolve();
  }

  #current(key: string): Attempts | undefined {
    const known = this.#attempts.get(key);
    return known === undefined || known.since + this.#rule.windowMs <= Date.now() ? undefined : known;
  }
}
