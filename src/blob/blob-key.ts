import { InvalidInputError } from '../errors/input-errors.ts';

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
