import { FaissMemoryError } from './faiss-memory-error.ts';

/** The store's file or folder cannot be written by this process. */
export class StoreReadOnlyError extends FaissMemoryError {
  readonly path: string;

  constructor(path: string, options: { cause?: unknown } = {}) {
    super(
      'STORE_READ_ONLY',
      `The memory store ${path} cannot be written: the file or its folder is read-only`,
      {
        fix: 'Give your user write permission on the folder, or choose another folder with MEMORY_DATA_DIR.',
        ...options,
      },
    );
    this.path = path;
  }
}
