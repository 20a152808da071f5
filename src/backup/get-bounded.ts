import type { Blob, BlobStore } from '../blob/blob-store.ts';
import { BlobStoreError } from '../errors/remote-errors.ts';
import { RepositoryDamagedError } from '../errors/backup-errors.ts';

/**
 * The object, or null. One that is larger than any of its kind is damage of that object, not a failure of the store.
 * @throws RepositoryDamagedError, BlobStoreError
 */
export async function getBounded(store: BlobStore, key: string, maxBytes: number): Promise<Blob | null> {
  try {
    return await store.get(key, { maxBytes });
  } catch (error) {
    if (!(error instanceof BlobStoreError) || error.reason !== 'too-large') throw error;
    throw new RepositoryDamagedError(key, `is larger than the ${maxBytes} bytes it may have`, {
      cause: error,
    });
  }
}
