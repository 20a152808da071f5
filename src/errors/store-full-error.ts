import { FaissMemoryError } from './faiss-memory-error.ts';

/** The disk (or quota) is full: this write was not stored, everything acknowledged before is safe. */
export class StoreFullError extends FaissMemoryError {
  readonly path: string;

  constructor(path: string, options: { cause?: unknown } = {}) {
    super(
      'STORE_FULL',
      `No space is left on the disk of the memory store ${path}; this change was not stored`,
      {
        fix: 'Free some disk space and try again; the store needs no repair.',
        retryable: true,
        ...options,
      },
    );
    this.path = path;
  }
}
