import type { Blob, BlobPutOptions, BlobStore } from '../../blob/blob-store.ts';
import { RepositoryDamagedError } from '../../errors/backup-errors.ts';
import { BlobStoreError } from '../../errors/remote-errors.ts';

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

/** Objects up to this size are read back whole; of larger ones the store's own size is compared. */
const READ_BACK_BYTES = 1024 * 1024;

export interface VerifiedObject {
  readonly key: string;
  readonly bytes: Uint8Array;
}

/**
 * Stores an object and makes sure that the store has it. Resolves only when it was read back byte for byte, or,
 * above 1 MiB, when the store listed it with the right size (adapters send checksums with every write, which
 * the store checks).
 * @throws BlobStoreError; reason `integrity` and retryable when something else came back
 */
export async function putVerified(
  store: BlobStore,
  { key, bytes }: VerifiedObject,
  options: BlobPutOptions = {},
): Promise<void> {
  await store.put(key, bytes, options);
  const problem =
    bytes.length <= READ_BACK_BYTES ? await readBack(store, key, bytes) : await askSize(store, key, bytes);
  if (problem === null) return;
  throw new BlobStoreError('integrity', {
    operation: 'put',
    location: store.location,
    key,
    problem: `the store accepted the object and then ${problem}`,
    retryable: true,
  });
}

async function readBack(store: BlobStore, key: string, bytes: Uint8Array): Promise<string | null> {
  const found = await store.get(key, { maxBytes: READ_BACK_BYTES });
  if (found === null) return 'did not have it';
  return Buffer.compare(found.bytes, bytes) === 0 ? null : 'returned other bytes';
}

async function askSize(store: BlobStore, key: string, bytes: Uint8Array): Promise<string | null> {
  const found = await store.head(key);
  if (found === null) return 'did not have it';
  return found.size === bytes.length ? null : `had ${found.size} of its ${bytes.length} bytes`;
}
