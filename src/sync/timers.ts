import { Cron } from 'croner';

const FIRST_MS = 5_000;
const LONGEST_MS = 15 * 60_000;

/** Pauses between failures: a random part of a limit that doubles with each failure (full jitter, Brooker 2015). */
export class Backoff {
  readonly #random: () => number;
  #failures = 0;

  /** @param random returns a number in [0, 1) */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** True after a failure, until the next success. */
  get isWaiting(): boolean {
    return this.#failures > 0;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  /** Counts a failure. @returns milliseconds to wait */
  failed(): number {
    const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#failures);
    this.#failures += 1;
    return this.#random() * ceiling;
  }
}

/** Starts a timer that does not keep the process alive. Returns a function that stops it. */
export type StartTimer = (milliseconds: number, action: () => void) => () => void;

/** At most one timer for each name. */
export class NamedTimers {
  readonly #startTimer: StartTimer;
  readonly #now: () => number;
  readonly #timers = new Map<string, { readonly due: number; readonly stop: () => void }>();

  /** @param now milliseconds since the epoch */
  constructor(now: () => number, startTimer: StartTimer = startUnrefTimer) {
    this.#now = now;
    this.#startTimer = startTimer;
  }

  has(name: string): boolean {
    return this.#timers.has(name);
  }

  /** Replaces a timer of the same name. */
  set(name: string, milliseconds: number, action: () => void): void {
    this.stop(name);
    const stop = this.#startTimer(milliseconds, () => {
      this.#timers.delete(name);
      action();
    });
    this.#timers.set(name, { due: this.#now() + milliseconds, stop });
  }

  /** Like `set`, unless a timer of the same name ends before. */
  setEarlier(name: string, milliseconds: number, action: () => void): void {
    const due = this.#timers.get(name)?.due ?? Infinity;
    if (this.#now() + milliseconds < due) this.set(name, milliseconds, action);
  }

  stop(name: string): void {
    this.#timers.get(name)?.stop();
    this.#timers.delete(name);
  }

  stopAll(): void {
    for (const { stop } of this.#timers.values()) stop();
    this.#timers.clear();
  }
}

export function startUnrefTimer(milliseconds: number, action: () => void): () => void {
  const timer = setTimeout(action, milliseconds);
  timer.unref();
  return () => {
    clearTimeout(timer);
  };
}

/** Milliseconds from `now` to the next time of a cron schedule, in local time; null when there is none. */
export function untilNext(schedule: string, now: number): number | null {
  const next = new Cron(schedule, { paused: true }).nextRun(new Date(now));
  return next === null ? null : Math.max(0, next.getTime() - now);
}
