import { FaissMemoryError } from './faiss-memory-error.ts';

/** The embedder cannot answer now: model missing, runtime failed, endpoint down, time-out, rate limit. */
export class EmbeddingUnavailableError extends FaissMemoryError {
  constructor(message: string, options: { fix?: string; retryable?: boolean; cause?: unknown } = {}) {
    super('EMBEDDING_UNAVAILABLE', message, { retryable: true, ...options });
  }
}
