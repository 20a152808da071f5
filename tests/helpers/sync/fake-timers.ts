import type { StartTimer } from '../../../src/sync/timers.ts';

interface Timer {
  readonly due: number;
  readonly action: () => void;
}

/** Timers on a clock that only the test moves. */
export class FakeTimers {
  readonly #timers = new Set<Timer>();
  readonly #advanceClock: (milliseconds: number) => void;
  #time = 0;
  /** Awaited after each timer: what it began has come to rest. */
  settled: () => Promise<void> = () => Promise.resolve();

  /** @param advanceClock moves other clocks along */
  constructor(advanceClock: (milliseconds: number) => void) {
    this.#advanceClock = advanceClock;
  }

  readonly start: StartTimer = (milliseconds, action) => {
    const timer = { due: this.#time + Math.ceil(milliseconds), action };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  get waiting(): number {
    return this.#timers.size;
  }

  /** Milliseconds to the next timer; Infinity without one. */
  get next(): number {
    return Math.min(...[...this.#timers].map(({ due }) => due)) - this.#time;
  }

  /** Moves the clock and lets everything that becomes due happen, in its order. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#time + milliseconds;
    await this.settled();
    while (this.#time + this.next <= end) {
      const [first] = [...this.#timers].sort((a, b) => a.due - b.due);
      if (first === undefined) break;
      this.#timers.delete(first);
      this.#moveTo(first.due);
      first.action();
      await this.settled();
    }
    this.#moveTo(end);
  }

  #moveTo(time: number): void {
    this.#advanceClock(time - this.#time);
    this.#time = time;
  }
}
