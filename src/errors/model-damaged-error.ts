import { FaissMemoryError } from './faiss-memory-error.ts';

/** A model file is missing or its hash is not the pinned one. */
export class ModelDamagedError extends FaissMemoryError {
  constructor(message: string, options: { fix?: string; cause?: unknown } = {}) {
    super('MODEL_DAMAGED', message, options);
  }
}
