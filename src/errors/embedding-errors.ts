import { FaissMemoryError } from './faiss-memory-error.ts';

/** The embedder cannot answer now: missing model, failed runtime, unreachable endpoint, time-out or rate limit. */
export class EmbeddingUnavailableError extends FaissMemoryError {
  constructor(message: string, options: { fix?: string; retryable?: boolean; cause?: unknown } = {}) {
    super('EMBEDDING_UNAVAILABLE', message, { retryable: true, ...options });
  }
}

/** The embedder gave an answer that cannot be used: refused input, wrong dimension or malformed body. */
export class EmbeddingRejectedError extends FaissMemoryError {
  constructor(message: string, options: { fix?: string; cause?: unknown } = {}) {
    super('EMBEDDING_REJECTED', message, options);
  }
}

/** A model file is missing or does not have the expected hash. */
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
