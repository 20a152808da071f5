import { FaissMemoryError } from './faiss-memory-error.ts';

/** A command line that cannot be understood, or that needs an answer nobody can give. Nothing was changed. */
export class UsageError extends FaissMemoryError {
  constructor(message: string, fix: string) {
    super('INVALID_INPUT', message, { fix });
  }
}
