import { FaissMemoryError } from './faiss-memory-error.ts';

/** The embedder cannot answer now: model missing, runtime failed, endpoint down, time-out, rate limit. */
export class EmbeddingUnavailableError extends FaissMemoryError {
  constructor(message: string, options: { fix?: string; retryable?: boolean; cause?: unknown } = {}) {
    super('EMBEDDING_UNAVAILABLE', message, { retryable: true, ...options });
  }
}

/** The embedder answered, and the answer can never be used: refused input, wrong dimension, malformed body. */
export class EmbeddingRejectedError extends FaissMemoryError {
  constructor(message: string, options: { fix?: string; cause?: unknown } = {}) {
    super('EMBEDDING_REJECTED', message, options);
  }
}

/** A model file is missing or its hash is not the pinned one. */
export class ModelDamagedError extends FaissMemoryError {
  constructor(message: string, options: { fix?: string; cause?: unknown } = {}) {
    super('MODEL_DAMAGED', message, options);
  }
}

/** A vector index refused an argument, ran out of memory or failed inside its library. */
export class VectorIndexError extends FaissMemoryError {
  constructor(message: string, options: { fix?: string; cause?: unknown } = {}) {
    super('VECTOR_INDEX', message, options);
  }
}
