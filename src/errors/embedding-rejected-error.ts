import { FaissMemoryError } from './faiss-memory-error.ts';

/** The embedder answered, and the answer can never be used: refused input, wrong dimension, malformed body. */
export class EmbeddingRejectedError extends FaissMemoryError {
  constructor(message: string, options: { fix?: string; cause?: unknown } = {}) {
    super('EMBEDDING_REJECTED', message, options);
  }
}
