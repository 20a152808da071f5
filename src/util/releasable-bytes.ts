import { open } from 'node:fs/promises';

/**
 * Reads a large file that is needed for a moment only. The bytes are in pages of their own and not in memory of `malloc`:
 * once glibc has freed a block of some megabytes, it keeps up to twice that size unused for each thread of the process.
 */
export async function readReleasable(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const bytes = new Uint8Array(new ArrayBuffer(size, { maxByteLength: size }));
    for (let at = 0; at < size;) {
      const { bytesRead } = await file.read(bytes, at, size - at, at);
      if (bytesRead === 0) return bytes.subarray(0, at);
      at += bytesRead;
    }
    return bytes;
  } finally {
    await file.close();
  }
}

/** Frees the memory at once, also when other code still refers to the bytes. They are empty afterwards. */
export function releaseBytes({ buffer }: Uint8Array<ArrayBuffer>): void {
  if (buffer.resizable) buffer.resize(0);
}
