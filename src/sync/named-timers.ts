/** Starts a timer that does not keep the process alive; returns what stops it. */
export type StartTimer = (milliseconds: number, action: () => void) => () => void;

/** Timers by name, at most one of each. */
export class NamedTimers {
  readonly #startTimer: StartTimer;
  readonly #timers = new Map<string, () => void>();

  constructor(startTimer: StartTimer = startUnrefTimer) {
    this.#startTimer = startTimer;
  }

  has(name: string): boolean {
    return this.#timers.has(name);
  }

  /** Takes the place of a timer of the same name. */
  set(name: string, milliseconds: number, action: () => void): void {
    this.#timers.get(name)?.();
    const stop = this.#startTimer(milliseconds, () => {
      this.#timers.delete(name);
      action();
    });
    this.#timers.set(name, stop);
  }

  stopAll(): void {
    for (const stop of this.#timers.values()) stop();
    this.#timers.clear();
  }
}

function startUnrefTimer(milliseconds: number, action: () => void): () => void {
  const timer = setTimeout(action, milliseconds);
  timer.unref();
  return () => {
    clearTimeout(timer);
  };
}
