import { FaissMemoryError } from './faiss-memory-error.ts';

export interface ReadOnlyDetails {
  /** The files and folders that refuse to be written, where they are known. */
  readonly refusing?: readonly string[];
  /** The whole disk is mounted without the right to write. */
  readonly diskIsReadOnly?: boolean;
  readonly cause?: unknown;
}

/** The store's file or folder cannot be written by this process. */
export class StoreReadOnlyError extends FaissMemoryError {
  readonly path: string;

  constructor(path: string, { refusing = [], diskIsReadOnly = false, cause }: ReadOnlyDetails = {}) {
    const things = refusing.length === 0 ? 'the file or its folder' : refusing.join(' and ');
    const what = diskIsReadOnly ? 'its disk is mounted read-only' : `your user may not write ${things}`;
    const permit = refusing.length === 0 ? 'Give your user write permission on the folder' : allow(refusing);
    const fix = diskIsReadOnly ? 'Mount the disk for writing' : permit;
    super('STORE_READ_ONLY', `The memory store ${path} cannot be written: ${what}`, {
      fix: `${fix}, or choose another folder with MEMORY_DATA_DIR.`,
      cause,
    });
    this.path = path;
  }
}

function allow(paths: readonly string[]): string {
  return `Give your user the permission (as the owner: chmod u+rwX ${paths.map((path) => `"${path}"`).join(' ')})`;
}
