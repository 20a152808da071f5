import { FaissMemoryError } from './faiss-memory-error.ts';

/** The memories changed between a dry run and its confirmation. Nothing was changed. */
export class StateChangedError extends FaissMemoryError {
  constructor(cause?: unknown) {
    super(
      'STATE_CHANGED',
      'The memories or the snapshot changed since the dry run that gave this confirmation',
      {
        fix: 'Make the dry run again, look at its numbers, and confirm with its new token.',
        cause,
      },
    );
  }
}
