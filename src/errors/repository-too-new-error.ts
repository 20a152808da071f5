import { FaissMemoryError } from './faiss-memory-error.ts';

/** A newer version of the program wrote this object of a backup repository. */
export class RepositoryTooNewError extends FaissMemoryError {
  readonly key: string;
  /** Format version of the object. */
  readonly found: number;
  /** Newest format version that this program reads. */
  readonly supported: number;

  constructor(key: string, found: number, supported: number) {
    super(
      'REPOSITORY_TOO_NEW',
      `The backup object ${key} has format version ${found}; this version of faiss-memory reads up to ${supported}`,
      { fix: 'Update faiss-memory (npm install faiss-memory@latest) on this machine.' },
    );
    this.key = key;
    this.found = found;
    this.supported = supported;
  }
}
