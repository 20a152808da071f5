import { BlobStoreError } from '../errors/remote-errors.ts';
import type { BlobStore } from './blob-store.ts';
import { interceptBlobStore, type InterceptedCall } from './intercept-blob-store.ts';

/** One finished call. Contains neither credentials nor content. */
export interface BlobLogEntry {
  readonly operation: InterceptedCall['operation'];
  readonly key: string;
  readonly milliseconds: number;
  /** Absent when the call succeeded. */
  readonly error?: string;
}

/** Reports every call when it ends; put it inside the retries to see each try. */
export function loggedBlobStore(inner: BlobStore, log: (entry: BlobLogEntry) => void): BlobStore {
  return interceptBlobStore(inner, async ({ operation, key }, proceed) => {
    const begin = performance.now();
    const entry = () => ({ operation, key, milliseconds: Math.round(performance.now() - begin) });
    try {
      const result = await proceed();
      log(entry());
      return result;
    } catch (error) {
      log({ ...entry(), error: error instanceof BlobStoreError ? error.reason : String(error) });
      throw error;
    }
  });
}
