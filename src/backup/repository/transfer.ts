import type { Blob, BlobPutOptions, BlobStore } from '../../blob/blob-store.ts';
import { RepositoryDamagedError } from '../../errors/backup-errors.ts';
import { BlobStoreError } from '../../errors/remote-errors.ts';

export interface BoundedGet {
  readonly key: string;
  /** The format's limit for this kind of object. */
  readonly maxBytes: number;
  /** An earlier answer. It is returned again, without being sent, when the object still has its etag. */
  readonly known?: Blob | undefined;
}

/**
 * Reads an object. An object above `maxBytes` counts as damaged, not as a failure of the store.
 * @returns null when there is no such object
 * @throws RepositoryDamagedError, BlobStoreError
 */
export async function getBounded(
  store: BlobStore,
  { key, maxBytes, known }: BoundedGet,
): Promise<Blob | null> {
  try {
    if (known === undefined || known.etag === null) return await store.get(key, { maxBytes });
    const blob = await store.getIfChanged(key, known.etag, { maxBytes });
    return blob === 'unchanged' ? known : blob;
  } catch (error) {
    if (!(error instanceof BlobStoreError) || error.reason !== 'too-large') throw error;
    throw new RepositoryDamagedError(key, `is larger than the ${maxBytes} bytes it may have`, {
      cause: error,
    });
  }
}

/** Objects up to this size are read back. For larger ones only the size that the store reports is compared. */
const READ_BACK_BYTES = 1024 * 1024;

export interface VerifiedObject {
  readonly key: string;
  readonly bytes: Uint8Array;
}

/**
 * Stores an object and checks that the store has it. An object of up to 1 MiB is read back and compared byte for
 * byte. For a larger one the reported size is compared; adapters also send a checksum, which the store checks.
 * @throws BlobStoreError; with reason `integrity` and retryable when the stored object differs
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
