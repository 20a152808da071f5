import { createHash } from 'node:crypto';
import { canonicalJson } from '../../memory/version.ts';
import {
  excessiveCost,
  KEY_BYTES,
  NONCE_BYTES,
  SALT_BYTES,
  type ScryptCost,
  TAG_BYTES,
} from './encryption.ts';
import { FORMAT_VERSION } from './names.ts';
import type { ObjectChecker } from './object-checker.ts';

const FORMAT = 'faiss-memory-key';
const KEY_ID = /^[0-9a-f]{16}$/;
const MAX_KEYS = 100;

/** A data key, encrypted with the key that was derived from the passphrase. */
export interface WrappedDataKey {
  /** First 16 hex digits of the data key's SHA-256; encrypted objects name it in their header. */
  readonly keyId: string;
  readonly nonce: Buffer;
  /** Ciphertext and tag. */
  readonly wrapped: Buffer;
}

/**
 * Content of `key.json`: the data keys, encrypted with the passphrase. Nothing in it is secret without the
 * passphrase. New objects use the first key; the others open older objects.
 */
export interface KeyFile {
  readonly machine: string;
  readonly cost: ScryptCost;
  readonly salt: Buffer;
  readonly keys: readonly WrappedDataKey[];
}

/** Canonical JSON with a checksum, so that a damaged file is not taken for a wrong passphrase. */
export function encodeKeyFile(file: KeyFile): Buffer {
  const body = bodyOf(file);
  return Buffer.from(`${canonicalJson({ ...body, checksum: checksumOf(body) })}\n`, 'utf8');
}

/**
 * @param machine owner of the folder that the file was found in
 * @throws RepositoryDamagedError, RepositoryTooNewError
 */
export function decodeKeyFile(bytes: Buffer, machine: string, checker: ObjectChecker): KeyFile {
  const fields = checker.object(checker.parse(bytes), '');
  checker.header(fields, FORMAT);
  if (checker.machine(fields['machine'], 'machine') !== machine) {
    checker.fail('machine', 'is not the machine of its folder');
  }
  const kdf = checker.object(fields['kdf'], 'kdf');
  if (kdf['name'] !== 'scrypt') checker.fail('kdf.name', 'is not scrypt');
  const cost = decodeCost(kdf, checker);
  const keys = checker.list(fields['keys'], 'keys', MAX_KEYS).map((entry) => decodeKey(entry, checker));
  if (keys.length === 0) checker.fail('keys', 'is empty');
  const file = { machine, cost, salt: checker.base64(kdf['salt'], 'kdf.salt', SALT_BYTES), keys };
  if (fields['checksum'] !== checksumOf(bodyOf(file))) checker.fail('checksum', 'does not fit the others');
  return file;
}

function decodeCost(kdf: Readonly<Record<string, unknown>>, checker: ObjectChecker): ScryptCost {
  const range = { min: 1, max: 2 ** 32 };
  const cost = {
    n: checker.integer(kdf['n'], 'kdf.n', range),
    r: checker.integer(kdf['r'], 'kdf.r', range),
    p: checker.integer(kdf['p'], 'kdf.p', range),
  };
  const problem = excessiveCost(cost);
  return problem === null ? cost : checker.fail('kdf', problem);
}

function decodeKey(value: unknown, checker: ObjectChecker): WrappedDataKey {
  const fields = checker.object(value, 'keys');
  const keyId = checker.text(fields['keyId'], 'keys.keyId');
  if (!KEY_ID.test(keyId)) checker.fail('keys.keyId', 'is not 16 hex digits');
  return {
    keyId,
    nonce: checker.base64(fields['nonce'], 'keys.nonce', NONCE_BYTES),
    wrapped: checker.base64(fields['wrapped'], 'keys.wrapped', KEY_BYTES + TAG_BYTES),
  };
}

function bodyOf({ machine, cost, salt, keys }: KeyFile): Readonly<Record<string, unknown>> {
  return {
    format: FORMAT,
    version: FORMAT_VERSION,
    machine,
    kdf: { name: 'scrypt', ...cost, salt: salt.toString('base64') },
    keys: keys.map(({ keyId, nonce, wrapped }) => ({
      keyId,
      nonce: nonce.toString('base64'),
      wrapped: wrapped.toString('base64'),
    })),
  };
}

function checksumOf(body: Readonly<Record<string, unknown>>): string {
  return createHash('sha256').update(canonicalJson(body)).digest('hex');
}
