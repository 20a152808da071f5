import { FaissMemoryError } from './faiss-memory-error.ts';

/** A newer version of the program wrote this store. Nothing was changed. */
export class StoreTooNewError extends FaissMemoryError {
  readonly path: string;
  /** Schema version of the file. */
  readonly found: number;
  /** Newest schema version that this program can use. */
  readonly supported: number;

  constructor(path: string, found: number, supported: number) {
    super(
      'STORE_TOO_NEW',
      `The memory store ${path} has schema version ${found}; this version of faiss-memory supports up to ${supported}`,
      {
        fix: 'Update faiss-memory (npm install faiss-memory@latest) and restart every client that uses this store.',
      },
    );
    this.path = path;
    this.found = found;
    this.supported = supported;
  }
}
