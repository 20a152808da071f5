import { promisify } from 'node:util';
import { gunzip as gunzipCallback, gzip as gzipCallback } from 'node:zlib';
import {
  MissingKeyError,
  RepositoryDamagedError,
  RepositoryTooNewError,
} from '../../errors/backup-errors.ts';
import type { DataKey } from '../repository/keyring.ts';
import {
  KEY_BYTES,
  NONCE_BYTES,
  type ObjectKind,
  openFrames,
  openGcm,
  sealFrames,
  sealGcm,
  WRAPPED_KEY_BYTES,
} from './encryption.ts';
import { FORMAT_VERSION, type RandomBytes } from './names.ts';

/** "FMEM": the first bytes of every encrypted object. Plain objects start with gzip's 1f 8b. */
const MAGIC = Buffer.from('FMEM', 'latin1');
const KIND_BYTES: Readonly<Record<ObjectKind, number>> = { segment: 1, manifest: 2, head: 3 };
const KEY_ID_BYTES = 8;
/** Magic, format version, kind, key id. */
const HEADER_BYTES = MAGIC.length + 2 + KEY_ID_BYTES;

/** The role, owner and key of an object. */
export interface ObjectAddress {
  readonly kind: ObjectKind;
  readonly machine: string;
  /** Key in the repository, for errors. */
  readonly key: string;
}

/** Encrypts new objects with one data key. */
export interface Sealer {
  readonly dataKey: DataKey;
  readonly random: RandomBytes;
}

export function isSealed(bytes: Uint8Array): boolean {
  return MAGIC.equals(bytes.subarray(0, MAGIC.length));
}

/** @returns header, content key wrapped by the data key, and frames; the data key alone opens it */
export function sealObject(
  address: Omit<ObjectAddress, 'key'>,
  { dataKey, random }: Sealer,
  body: Uint8Array,
): Buffer {
  const contentKey = random(KEY_BYTES);
  const nonce = random(NONCE_BYTES);
  const wrapped = sealGcm({ key: dataKey.bytes, nonce, aad: wrapData(address) }, contentKey);
  const header = headerOf(address.kind, dataKey.keyId);
  return Buffer.concat([header, nonce, wrapped, sealFrames(contentKey, address, body)]);
}

/**
 * @param keys all data keys of the machine
 * @throws RepositoryDamagedError, RepositoryTooNewError, MissingKeyError
 */
export function openObject(address: ObjectAddress, keys: readonly DataKey[], bytes: Uint8Array): Buffer {
  const keyId = readHeader(address, bytes);
  const dataKey = keys.find((candidate) => candidate.keyId === keyId);
  if (dataKey === undefined) throw new MissingKeyError(address.key, 'unknown-key');
  const frames = HEADER_BYTES + WRAPPED_KEY_BYTES;
  const nonce = bytes.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES);
  if (bytes.length < frames) throw new RepositoryDamagedError(address.key, 'is too short');
  const wrapped = bytes.subarray(HEADER_BYTES + NONCE_BYTES, frames);
  const contentKey = openGcm({ key: dataKey.bytes, nonce, aad: wrapData(address) }, wrapped);
  if (contentKey === null)
    throw new RepositoryDamagedError(address.key, 'has a content key that does not open');
  return openFrames(contentKey, address, bytes.subarray(frames));
}

/** @returns `bytes`: header and frames; `contentKey`: opens them, and must be stored in the encrypted manifest only */
export function sealSegment(
  machine: string,
  { dataKey, random }: Sealer,
  body: Uint8Array,
): { readonly bytes: Buffer; readonly contentKey: Buffer } {
  const contentKey = random(KEY_BYTES);
  const frames = sealFrames(contentKey, { kind: 'segment', machine }, body);
  return { bytes: Buffer.concat([headerOf('segment', dataKey.keyId), frames]), contentKey };
}

/** @throws RepositoryDamagedError, RepositoryTooNewError */
export function openSegment(address: ObjectAddress, contentKey: Uint8Array, bytes: Uint8Array): Buffer {
  readHeader(address, bytes);
  return openFrames(contentKey, address, bytes.subarray(HEADER_BYTES));
}

function headerOf(kind: ObjectKind, keyId: string): Buffer {
  return Buffer.concat([MAGIC, Buffer.from([FORMAT_VERSION, KIND_BYTES[kind]]), Buffer.from(keyId, 'hex')]);
}

/** @returns the id of the data key */
function readHeader({ kind, key }: ObjectAddress, bytes: Uint8Array): string {
  if (bytes.length < HEADER_BYTES || !isSealed(bytes)) {
    throw new RepositoryDamagedError(key, 'has no complete header');
  }
  const [version = 0, kindByte = 0] = bytes.subarray(MAGIC.length);
  if (version > FORMAT_VERSION) throw new RepositoryTooNewError(key, version, FORMAT_VERSION);
  if (version === 0 || kindByte !== KIND_BYTES[kind]) {
    throw new RepositoryDamagedError(key, `is no ${kind} of a known version`);
  }
  return Buffer.from(bytes.subarray(HEADER_BYTES - KEY_ID_BYTES, HEADER_BYTES)).toString('hex');
}

function wrapData({ kind, machine }: Omit<ObjectAddress, 'key'>): Buffer {
  return Buffer.from(`faiss-memory/1/${kind}-key/${machine}`, 'latin1');
}

const gzip = promisify(gzipCallback);
const gunzip = promisify(gunzipCallback);

/** Runs in the thread pool. A higher level would not help: most of a segment is base64 of vectors. */
export function compress(bytes: Uint8Array): Promise<Buffer> {
  return gzip(bytes, { level: 6 });
}

/** True when the bytes begin with the magic number of gzip. */
export function isCompressed(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * Runs in the thread pool. Stops at `maxBytes` bytes of output, so a decompression bomb costs no more memory than
 * a sound object.
 * @param key key of the object in the repository, for the error
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
