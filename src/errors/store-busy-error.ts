import { FaissMemoryError } from './faiss-memory-error.ts';

/** Another process kept the store locked for longer than any normal operation takes. Nothing was changed. */
export class StoreBusyError extends FaissMemoryError {
  readonly path: string;

  constructor(path: string, waitedMs: number, options: { cause?: unknown } = {}) {
    super('STORE_BUSY', `The memory store ${path} was locked by another process for ${waitedMs} ms`, {
      fix: 'Find the process that holds the file open (for example a database browser) and close it, then try again.',
      retryable: true,
      ...options,
    });
    this.path = path;
  }
}
