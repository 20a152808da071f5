import { BlobStoreError } from '../errors/remote-errors.ts';
import { InvalidInputError } from '../errors/input-errors.ts';
import type { ByteRange } from './blob-store.ts';

/** More than any object this product writes; a larger answer is a mistake or an attack. */
export const defaultMaxBytes = 64 * 1024 * 1024;

/** @throws InvalidInputError unless 0 ≤ start < end, both integers */
export function assertByteRange(range: ByteRange): void {
  const { start, end } = range;
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && end > start) return;
  throw new InvalidInputError('range', `is ${start} to ${end}`, 'it needs integers with 0 ≤ start < end');
}

/** The part of the object that a range names; empty when it starts behind the end. */
export function clampRange(range: ByteRange | undefined, size: number): ByteRange {
  if (range === undefined) return { start: 0, end: size };
  return { start: Math.min(range.start, size), end: Math.min(range.end, size) };
}

/** @throws BlobStoreError with reason `too-large` */
export function assertNotTooLarge(
  length: number,
  maxBytes: number,
  context: { readonly location: string; readonly key: string },
): void {
  if (length <= maxBytes) return;
  throw new BlobStoreError('too-large', {
    ...context,
    operation: 'get',
    problem: `${length} bytes were offered where at most ${maxBytes} are expected`,
  });
}
