import { FaissMemoryError } from './faiss-memory-error.ts';

/** A backup was made here, and could not be copied to the remote. Carries the code of what prevented it. */
export class NotUploadedError extends FaissMemoryError {
  /** @param snapshot name of the backup that was made */
  constructor(snapshot: string, cause: FaissMemoryError) {
    super(cause.code, `The backup ${snapshot} was made here, but not uploaded: ${cause.message}`, {
      ...(cause.fix === undefined ? {} : { fix: cause.fix }),
      retryable: cause.retryable,
      cause,
    });
  }
}
