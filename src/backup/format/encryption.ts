import { createCipheriv, createDecipheriv, scrypt } from 'node:crypto';
import { RepositoryDamagedError } from '../../errors/backup-errors.ts';
import type { SecretString } from '../../util/secret-string.ts';

/** The role of an encrypted object. Each tag authenticates the role, so an object cannot be used in another one. */
export type ObjectKind = 'segment' | 'manifest' | 'head';

/** Plaintext bytes of every frame but the last. */
export const FRAME_BYTES = 1024 * 1024;
/** Size of an AES-256 key. */
export const KEY_BYTES = 32;
export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;
/** Size of a wrapped key: nonce, 32 bytes of ciphertext, tag. */
export const WRAPPED_KEY_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES;

const ALGORITHM = 'aes-256-gcm';

/** Names the object that a frame belongs to. Frames that were moved, dropped or taken from another object do not open. */
export interface FrameContext {
  readonly kind: ObjectKind;
  readonly machine: string;
}

/**
 * AES-256-GCM in frames of 1 MiB; the last frame has the rest and may be empty. The nonce of frame `i` is
 * `i` (96 bits, big endian), so each content key may encrypt one object only.
 * Additional data: `faiss-memory/1/<kind>/<machine>/<i>/<1 for the last frame, else 0>` in ASCII.
 */
export function sealFrames(contentKey: Uint8Array, context: FrameContext, plain: Uint8Array): Buffer {
  const frames = Math.max(1, Math.ceil(plain.length / FRAME_BYTES));
  const parts: Buffer[] = [];
  for (let index = 0; index < frames; index += 1) {
    const aad = frameData(context, index, index === frames - 1);
    const piece = plain.subarray(index * FRAME_BYTES, (index + 1) * FRAME_BYTES);
    parts.push(sealGcm({ key: contentKey, nonce: nonceOf(index), aad }, piece));
  }
  return Buffer.concat(parts);
}

/**
 * Decrypts the output of `sealFrames`. Returns nothing before the tags of all frames were checked.
 * @param context.key key of the object in the repository, for the error
 * @throws RepositoryDamagedError when any bit differs, or when frames are missing, added or swapped
 */
export function openFrames(
  contentKey: Uint8Array,
  context: FrameContext & { readonly key: string },
  sealed: Uint8Array,
): Buffer {
  const stride = FRAME_BYTES + TAG_BYTES;
  const frames = Math.max(1, Math.ceil(sealed.length / stride));
  const parts: Buffer[] = [];
  for (let index = 0; index < frames; index += 1) {
    const frame = sealed.subarray(index * stride, (index + 1) * stride);
    const aad = frameData(context, index, index === frames - 1);
    const plain = openGcm({ key: contentKey, nonce: nonceOf(index), aad }, frame);
    if (plain === null) throw new RepositoryDamagedError(context.key, `does not decrypt at frame ${index}`);
    parts.push(plain);
  }
  return Buffer.concat(parts);
}

export interface GcmInput {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly aad: Uint8Array;
}

/** @returns the ciphertext followed by the tag of 16 bytes */
export function sealGcm({ key, nonce, aad }: GcmInput, plain: Uint8Array): Buffer {
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(aad);
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** @returns the plaintext; null when the tag does not fit */
export function openGcm({ key, nonce, aad }: GcmInput, sealed: Uint8Array): Buffer | null {
  if (sealed.length < TAG_BYTES) return null;
  const border = sealed.length - TAG_BYTES;
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(border));
  const unchecked = decipher.update(sealed.subarray(0, border));
  try {
    decipher.final();
  } catch {
    unchecked.fill(0);
    return null;
  }
  return unchecked;
}

function nonceOf(index: number): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeUInt32BE(index, NONCE_BYTES - 4);
  return nonce;
}

function frameData({ kind, machine }: FrameContext, index: number, last: boolean): Buffer {
  return Buffer.from(`faiss-memory/1/${kind}/${machine}/${index}/${last ? 1 : 0}`, 'latin1');
}

/** Cost of turning a passphrase into a key with scrypt (RFC 7914). */
export interface ScryptCost {
  /** A power of two. */
  readonly n: number;
  readonly r: number;
  readonly p: number;
}

/** Each guess costs 128 MiB of memory and about half a second. */
export const DEFAULT_SCRYPT_COST: ScryptCost = { n: 2 ** 17, r: 8, p: 1 };
export const SALT_BYTES = 32;

const MAX_MEMORY = 256 * 1024 * 1024;
const MAX_WORK = 4 * 2 ** 17 * 8;

/** The reason to refuse a cost that comes from a file in a remote store; null when the cost is acceptable. */
export function excessiveCost({ n, r, p }: ScryptCost): string | null {
  const powerOfTwo = n >= 2 && Number.isInteger(Math.log2(n));
  if (!powerOfTwo) return 'asks for an scrypt N that is not a power of two';
  if (128 * n * r > MAX_MEMORY) return `asks for scrypt with more than ${MAX_MEMORY} bytes of memory`;
  if (n * r * p > MAX_WORK) return 'asks for more scrypt work than this program ever does';
  return null;
}

/** Derives a key from the passphrase in NFC and UTF-8. Runs in the thread pool. */
export function deriveKey(
  passphrase: SecretString,
  salt: Uint8Array,
  { n, r, p }: ScryptCost,
): Promise<Buffer> {
  const secret = Buffer.from(passphrase.reveal().normalize('NFC'), 'utf8');
  // OpenSSL counts a little more than 128 * N * r.
  const options = { N: n, r, p, maxmem: 128 * n * r + 128 * r * p + 1024 * 1024 };
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, KEY_BYTES, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
