import { BlobStoreError } from '../errors/remote-errors.ts';

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
