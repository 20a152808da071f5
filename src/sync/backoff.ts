const FIRST_MS = 5_000;
const LONGEST_MS = 15 * 60_000;

/** Pauses between failures: full jitter under a ceiling that doubles (Brooker 2015). */
export class Backoff {
  readonly #random: () => number;
  #failures = 0;

  /** @param random in [0, 1) */
  constructor(random: () => number) {
    this.#random = random;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  /** Milliseconds to wait after one more failure. */
  failed(): number {
    const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#failures);
    this.#failures += 1;
    return this.#random() * ceiling;
  }
}
