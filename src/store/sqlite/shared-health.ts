import { FaissMemoryError } from '../../errors/faiss-memory-error.ts';
import type { SharedState } from '../memory-store.ts';
import type { Position } from './shared-position.ts';

/** The part that a file lacks while it is filled. */
export type MissingPart = 'memories' | 'vectors';

/** Said while a file is filled. */
const FIRST_READING: Readonly<Record<MissingPart, string>> = {
  memories:
    'This server is still reading the shared database: memories that it has not read yet are missing here.',
  vectors:
    'This server is still reading the shared database: all memories are found by their words, and by their meaning in a moment.',
};

/** @returns null when the first reading is over */
export function missingPart(position: Position | null): MissingPart | null {
  const filling = position?.loading;
  if (filling === undefined) return null;
  return filling.vectors === undefined ? 'memories' : 'vectors';
}

/** How a log answered lately, and what people are told of it. */
export class LogHealth {
  #answeredAt: number | null = null;
  #problem: FaissMemoryError | null = null;
  /** True when the problem is nothing but a long wait. */
  #isOnlySlow = false;
  #failedAt = -Infinity;

  /** False after a failure, and while an answer takes long. */
  get isWell(): boolean {
    return this.#problem === null;
  }

  get state(): Pick<SharedState, 'answers' | 'secondsSinceAnswer'> {
    return { answers: this.isWell, secondsSinceAnswer: this.#secondsSinceAnswer() };
  }

  noteAnswer(): void {
    this.#answeredAt = performance.now();
    this.#problem = null;
  }

  noteFailure(error: unknown): void {
    if (!(error instanceof FaissMemoryError)) return;
    this.#problem = error;
    this.#isOnlySlow = false;
    this.#failedAt = performance.now();
  }

  /** A failure says more. */
  noteSlowness(problem: FaissMemoryError): void {
    if (this.#problem !== null) return;
    this.#problem = problem;
    this.#isOnlySlow = true;
  }

  /** @throws the last failure if it came after that moment of `performance.now()` */
  checkNoFailureSince(moment: number): void {
    if (this.#problem !== null && this.#failedAt >= moment) throw this.#problem;
  }

  /** The possible age of answers from a file that may lack entries, as a sentence for people. */
  ageOf(position: Position | null): string {
    const missing = missingPart(position);
    if (missing === null) return this.#silence();
    const isSilent = this.#problem !== null && !this.#isOnlySlow;
    return [FIRST_READING[missing], ...(isSilent ? [this.#silence()] : [])].join(' ');
  }

  #silence(): string {
    const seconds = this.#secondsSinceAnswer();
    const since =
      seconds === null
        ? 'has not answered since this program started'
        : `last answered ${Math.round(seconds)} s ago`;
    return `The shared database ${since}: memories that were written elsewhere since then are missing here.`;
  }

  #secondsSinceAnswer(): number | null {
    return this.#answeredAt === null ? null : (performance.now() - this.#answeredAt) / 1_000;
  }
}
