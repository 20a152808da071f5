import { FaissMemoryError } from './faiss-memory-error.ts';

/** A vector index refused an argument, ran out of memory or failed inside its library. */
export class VectorIndexError extends FaissMemoryError {
  constructor(message: string, options: { fix?: string; cause?: unknown } = {}) {
    super('VECTOR_INDEX', message, options);
  }
}
