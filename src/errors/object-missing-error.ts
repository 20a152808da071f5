import { FaissMemoryError } from './faiss-memory-error.ts';

/**
 * An object that a head or a manifest names is not there, most likely because its owner pruned meanwhile.
 * Retryable: read the head again and plan again, a few times at most.
 */
export class ObjectMissingError extends FaissMemoryError {
  readonly key: string;

  constructor(key: string, location: string) {
    super('OBJECT_MISSING', `The backup object ${key} is missing in ${location}`, {
      fix: 'Try again; if it stays missing, use another snapshot or make a new backup on the machine that wrote it.',
      retryable: true,
    });
    this.key = key;
  }
}
