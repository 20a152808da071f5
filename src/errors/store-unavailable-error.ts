import { FaissMemoryError } from './faiss-memory-error.ts';

/** The store cannot be used now: file moved, I/O error, worker gone, closed. No acknowledged write is lost. */
export class StoreUnavailableError extends FaissMemoryError {
  constructor(message: string, options: { fix?: string; retryable?: boolean; cause?: unknown } = {}) {
    super('STORE_UNAVAILABLE', message, options);
  }
}
