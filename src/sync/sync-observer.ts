import type { SyncProblem } from './sync-api.ts';
import type { SyncNotes } from './sync-notes.ts';
import { isUnreachable, observedProblem } from './sync-problem.ts';

/** Remembers whether the remote answered, and what went wrong, whoever asked it. */
export class SyncObserver {
  readonly #notes: SyncNotes;
  readonly #now: () => number;

  /** @param now milliseconds since the epoch */
  constructor(notes: SyncNotes, now: () => number) {
    this.#notes = notes;
    this.#now = now;
  }

  /** Work that only reads the remote. @throws what the work throws */
  reading<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#observe(work, false);
  }

  /** Work that writes there. @throws what the work throws */
  writing<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#observe(work, true);
  }

  /** Nobody waits any longer for the answer; when it comes it is observed all the same. */
  noAnswer(waitedMs: number): Promise<void> {
    const message = `The remote did not answer within ${Math.round(waitedMs / 1_000)} s`;
    const fix = 'Check the network and the endpoint.';
    return this.#remember({ code: 'timeout', message, fix, at: this.#now() }, true, false);
  }

  async #observe<Result>(work: () => Promise<Result>, writes: boolean): Promise<Result> {
    try {
      const result = await work();
      const reachable = { value: true, at: this.#now() };
      await this.#notes.change({ reachable, problem: null, ...(writes ? { pushProblem: null } : {}) });
      return result;
    } catch (error) {
      const problem = observedProblem(error, this.#now());
      if (problem !== null) await this.#remember(problem, isUnreachable(error), writes);
      throw error;
    }
  }

  async #remember(problem: SyncProblem, unreachable: boolean, writes: boolean): Promise<void> {
    await this.#notes.change({
      reachable: { value: !unreachable, at: problem.at },
      ...(writes && !unreachable ? { pushProblem: problem } : { problem }),
    });
  }
}
