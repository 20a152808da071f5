import { createHash } from 'node:crypto';
import { BlobStoreError } from '../../src/errors/remote-errors.ts';

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function textOf(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes);
}

export function sha256(bytes: Uint8Array | undefined): string {
  return createHash('sha256')
    .update(bytes ?? 'absent')
    .digest('hex');
}

export function keysOf(infos: readonly { readonly key: string }[]): string[] {
  return infos.map(({ key }) => key).sort();
}

/** The error of a call that must fail; fails the test when it does not, or with something else. */
export async function errorOf(call: Promise<unknown>): Promise<BlobStoreError> {
  const error = await call.then(
    (value) => new Error(`expected a failure, got ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (error instanceof BlobStoreError) return error;
  throw error as Error;
}

export async function inBatches<T>(
  items: readonly T[],
  action: (item: T) => Promise<unknown>,
): Promise<void> {
  for (let start = 0; start < items.length; start += 25) {
    await Promise.all(items.slice(start, start + 25).map(action));
  }
}
