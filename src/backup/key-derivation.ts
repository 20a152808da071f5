import { scrypt } from 'node:crypto';
import type { SecretString } from '../util/secret-string.ts';
import { KEY_BYTES } from './encryption.ts';

/** Cost of turning a passphrase into a key with scrypt (RFC 7914). */
export interface ScryptCost {
  /** A power of two. */
  readonly n: number;
  readonly r: number;
  readonly p: number;
}

/** 128 MiB and about half a second for each guess. */
export const DEFAULT_SCRYPT_COST: ScryptCost = { n: 2 ** 17, r: 8, p: 1 };
export const SALT_BYTES = 32;

const MAX_MEMORY = 256 * 1024 * 1024;
const MAX_WORK = 4 * 2 ** 17 * 8;

/** What a file from a remote store may ask of this machine; null when it is fine. */
export function excessiveCost({ n, r, p }: ScryptCost): string | null {
  const powerOfTwo = n >= 2 && Number.isInteger(Math.log2(n));
  if (!powerOfTwo) return 'asks for an scrypt N that is not a power of two';
  if (128 * n * r > MAX_MEMORY) return `asks for scrypt with more than ${MAX_MEMORY} bytes of memory`;
  if (n * r * p > MAX_WORK) return 'asks for more scrypt work than this program ever does';
  return null;
}

/** The passphrase counts as UTF-8 of its Unicode form NFC. Runs in the thread pool. */
export function deriveKey(
  passphrase: SecretString,
  salt: Uint8Array,
  { n, r, p }: ScryptCost,
): Promise<Buffer> {
  const secret = Buffer.from(passphrase.reveal().normalize('NFC'), 'utf8');
  // What OpenSSL counts is a little more than 128 * N * r.
  const options = { N: n, r, p, maxmem: 128 * n * r + 128 * r * p + 1024 * 1024 };
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, KEY_BYTES, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
