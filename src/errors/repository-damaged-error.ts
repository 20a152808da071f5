import { FaissMemoryError } from './faiss-memory-error.ts';

/** An object of a backup repository is not what its writer wrote. Nothing was taken from it. */
export class RepositoryDamagedError extends FaissMemoryError {
  /** Key of the object inside the repository. */
  readonly key: string;

  /** @param problem what is wrong, as a sentence without a subject; never holds content of a memory */
  constructor(key: string, problem: string, options: { cause?: unknown; fix?: string } = {}) {
    super('REPOSITORY_DAMAGED', `The backup object ${key} is damaged: it ${problem}`, {
      fix: 'Use another snapshot, or make a new backup on the machine that wrote it, which replaces what is damaged.',
      ...options,
    });
    this.key = key;
  }
}
