import { promisify } from 'node:util';
import { gunzip as gunzipCallback, gzip as gzipCallback } from 'node:zlib';
import { RepositoryDamagedError } from '../errors/backup-errors.ts';

const gzip = promisify(gzipCallback);
const gunzip = promisify(gunzipCallback);

/** In the thread pool. Base64 of vectors is most of a segment, and no level makes it smaller. */
export function compress(bytes: Uint8Array): Promise<Buffer> {
  return gzip(bytes, { level: 6 });
}

/** True when the bytes begin as every gzip file does. */
export function isCompressed(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * In the thread pool. Stops as soon as there are more than `maxBytes`, so a decompression bomb costs no more
 * memory than an honest object.
 * @param key of the object in the repository, for the error
 * @throws RepositoryDamagedError
 */
export async function decompress(bytes: Uint8Array, maxBytes: number, key: string): Promise<Buffer> {
  try {
    // Zero means "no limit" to zlib.
    return await gunzip(bytes, { maxOutputLength: Math.max(1, maxBytes) });
  } catch (error) {
    const tooLarge =
      error instanceof RangeError || (error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE';
    const problem = tooLarge
      ? `decompresses to more than the ${maxBytes} bytes it may have`
      : 'does not decompress';
    throw new RepositoryDamagedError(key, problem, { cause: error });
  }
}
