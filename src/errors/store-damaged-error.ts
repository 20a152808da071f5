import { FaissMemoryError } from './faiss-memory-error.ts';

/** The store's file is not a readable store. It was left exactly as it is. */
export class StoreDamagedError extends FaissMemoryError {
  /** Absolute path of the damaged file. */
  readonly path: string;

  /** @param problem what is wrong with the file, as a sentence without a subject */
  constructor(path: string, problem: string, options: { cause?: unknown } = {}) {
    super('STORE_DAMAGED', `The memory store ${path} ${problem}. Nothing was changed or deleted.`, {
      fix:
        `Move ${path} and its -wal and -shm files to a safe place, then restore a backup ` +
        'or start again with an empty store; `faiss-memory restore --help` shows how.',
      ...options,
    });
    this.path = path;
  }
}
