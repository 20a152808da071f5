/** What a machine shows of one memory at the end. */
export interface ShownMemory {
  readonly text: string;
  /** Texts of the conflict copies. */
  readonly copies: readonly string[];
}

interface Attempt {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly acknowledged: boolean;
}

/** Null = deleted. */
type Outcome = string | null;

/**
 * All writes of a run, told by the clients that made them: the oracle for "no acknowledged write is lost". A write whose
 * server died before the answer may be there or not.
 */
export class WriteLedger {
  /** Memories that one client alone changes, with everything that each may be now. */
  readonly #own = new Map<string, Set<Outcome>>();
  /** Memories that all clients change, with all attempts to write each. */
  readonly #shared = new Map<string, Attempt[]>();
  /** Texts of additions without an answer. */
  readonly #unanswered = new Set<string>();
  #acknowledged = 0;

  get acknowledged(): number {
    return this.#acknowledged;
  }

  get sharedIds(): readonly string[] {
    return [...this.#shared.keys()];
  }

  added(id: string, text: string): void {
    this.#acknowledged += 1;
    this.#own.set(id, new Set([text]));
  }

  /** The memory is from now on one that all clients change. */
  share(id: string): void {
    const [text] = this.#own.get(id) ?? [];
    this.#own.delete(id);
    this.#shared.set(id, [{ text: text ?? '', start: 0, end: 0, acknowledged: true }]);
  }

  additionUnanswered(text: string): void {
    this.#unanswered.add(text);
  }

  changed(id: string, outcome: Outcome): void {
    this.#acknowledged += 1;
    this.#own.set(id, new Set([outcome]));
  }

  changeUnanswered(id: string, outcome: Outcome): void {
    this.#own.get(id)?.add(outcome);
  }

  sharedAttempt(id: string, attempt: Attempt): void {
    if (attempt.acknowledged) this.#acknowledged += 1;
    this.#shared.get(id)?.push(attempt);
  }

  /** Everything that is lost, or there without having been written; empty = all is well. */
  faultsIn(shown: ReadonlyMap<string, ShownMemory>): string[] {
    return [...this.#ownFaults(shown), ...this.#sharedFaults(shown), ...this.#strangers(shown)];
  }

  #ownFaults(shown: ReadonlyMap<string, ShownMemory>): string[] {
    return [...this.#own].flatMap(([id, outcomes]) => {
      const found = shown.get(id)?.text ?? null;
      return outcomes.has(found) ? [] : [`${id} is ${String(found)}, not ${[...outcomes].join(' or ')}`];
    });
  }

  #sharedFaults(shown: ReadonlyMap<string, ShownMemory>): string[] {
    return [...this.#shared].flatMap(([id, attempts]) => {
      const memory = shown.get(id);
      if (memory === undefined) return [`${id}, which nobody deleted, is gone`];
      const there = [memory.text, ...memory.copies];
      const lost = attempts.filter(
        (write) => write.acknowledged && isLast(write, attempts) && !there.includes(write.text),
      );
      return [
        ...lost.map(({ text }) => `the last write of ${id} is lost: ${text}`),
        ...there
          .filter((text) => attempts.every((attempt) => attempt.text !== text))
          .map((text) => `${id} has a text that nobody wrote: ${text}`),
      ];
    });
  }

  #strangers(shown: ReadonlyMap<string, ShownMemory>): string[] {
    return [...shown].flatMap(([id, { text }]) =>
      this.#own.has(id) || this.#shared.has(id) || this.#unanswered.has(text)
        ? []
        : [`nobody added ${id}: ${text}`],
    );
  }
}

/** True when no other write can have replaced it: all of them had ended before it began. */
function isLast(write: Attempt, attempts: readonly Attempt[]): boolean {
  return attempts.every((other) => other === write || other.end < write.start);
}
