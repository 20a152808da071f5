import { InvalidInputError } from '../errors/input-errors.ts';
import { BlobStoreError } from '../errors/remote-errors.ts';
import type { ByteRange } from './blob-store.ts';

const maximumKeyLength = 512;
const maximumSegmentLength = 200;
/** Starts and ends with a letter or digit, so it is neither hidden, nor `..`, nor ends in a dot as Windows forbids. */
const segmentPattern = /^[a-z0-9](?:[a-z0-9._=-]*[a-z0-9])?$/;
const windowsDeviceNames = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/;

/**
 * Keys that mean the same on every store and file system: segments of `a-z 0-9 . _ = -`, separated by one `/`,
 * at most 200 characters each and 512 in all. Lower case only, since some file systems ignore case and some
 * stores do not; nothing in them needs escaping in a URL, and no path can leave its folder.
 */
export function isBlobKey(key: string): boolean {
  return (
    key.length <= maximumKeyLength &&
    key.split('/').every((segment) => {
      return (
        segment.length <= maximumSegmentLength &&
        segmentPattern.test(segment) &&
        !windowsDeviceNames.test(segment)
      );
    })
  );
}

/** @throws InvalidInputError when the key breaks the rules of `isBlobKey` */
export function assertBlobKey(key: string): void {
  if (isBlobKey(key)) return;
  throw new InvalidInputError(
    'key',
    `is ${JSON.stringify(key.slice(0, 100))}`,
    'object keys are lower-case segments of a-z 0-9 . _ = - separated by single slashes',
  );
}

/** A list prefix is a key that was cut off anywhere: the rules hold for all but its last segment. */
export function assertBlobPrefix(prefix: string): void {
  const lastSlash = prefix.lastIndexOf('/');
  if (lastSlash !== -1) assertBlobKey(prefix.slice(0, lastSlash));
  if (/^[a-z0-9._=-]*$/.test(prefix.slice(lastSlash + 1))) return;
  throw new InvalidInputError(
    'prefix',
    `is ${JSON.stringify(prefix.slice(0, 100))}`,
    'it must be the start of an object key',
  );
}

/** Empty strings and blanks in settings mean "not set". */
export function unlessBlank(value: string | undefined): string | undefined {
  const trimmed = value?.trim();
  return trimmed === '' ? undefined : trimmed;
}

/**
 * The prefix as every adapter uses it: empty, or ending in one slash. Unlike keys it may contain capitals.
 * @throws BlobStoreError (`misconfigured`) for parts that some store would read differently
 */
export function normalizePrefix(prefix: string | undefined, location: string): string {
  const parts = (unlessBlank(prefix) ?? '').replace(/^\/+|\/+$/g, '').split('/');
  if (parts.length === 1 && parts[0] === '') return '';
  if (parts.every((part) => /^[A-Za-z0-9._=-]+$/.test(part) && !/^\.+$/.test(part)))
    return `${parts.join('/')}/`;
  throw new BlobStoreError('misconfigured', {
    operation: 'open',
    location,
    problem: `the prefix ${JSON.stringify(prefix)} is not usable`,
    fix: 'Use letters, digits and . _ = - in the prefix, with single slashes between its parts.',
  });
}

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
