import { InvalidInputError } from '../errors/input-errors.ts';
import { BlobStoreError } from '../errors/remote-errors.ts';
import type { ByteRange } from './blob-store.ts';

const maximumKeyLength = 512;
const maximumSegmentLength = 200;
/** A segment starts and ends with a letter or digit. This excludes hidden files, `..`, and names that end in a dot. */
const segmentPattern = /^[a-z0-9](?:[a-z0-9._=-]*[a-z0-9])?$/;
const windowsDeviceNames = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/;

/**
 * True for keys that every store and file system accepts unchanged: segments of `a-z 0-9 . _ = -`, separated by one
 * `/`, with at most 200 characters in each and 512 in all. Capitals are excluded because some file systems ignore
 * case. A key needs no escaping in a URL, and its path cannot leave the store's folder.
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

/** @throws InvalidInputError unless the prefix is the beginning of a key; it may end inside a segment */
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

/** Trims a setting. An empty or blank string counts as not set. */
export function unlessBlank(value: string | undefined): string | undefined {
  const trimmed = value?.trim();
  return trimmed === '' ? undefined : trimmed;
}

/**
 * Returns the prefix in the form that all adapters use: empty, or ending in one slash. Unlike a key, it may contain
 * capitals.
 * @throws BlobStoreError (`misconfigured`) for characters that not all stores treat the same way
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

/** Larger than any object that this program writes. A larger answer is a mistake or an attack. */
export const defaultMaxBytes = 64 * 1024 * 1024;

/** @throws InvalidInputError unless 0 ≤ start < end, both integers */
export function assertByteRange(range: ByteRange): void {
  const { start, end } = range;
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && end > start) return;
  throw new InvalidInputError('range', `is ${start} to ${end}`, 'it needs integers with 0 ≤ start < end');
}

/** Limits a range to the object. The result is empty when the range starts behind the end. */
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
    problem: `the store offered ${length} bytes, but at most ${maxBytes} are allowed`,
  });
}
