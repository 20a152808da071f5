import { createHash, randomBytes } from 'node:crypto';
import { EncryptionDowngradeError, WrongPassphraseError } from '../errors/backup-errors.ts';
import type { SecretString } from '../util/secret-string.ts';
import { KEY_BYTES, NONCE_BYTES, openGcm, sealGcm } from './encryption.ts';
import { decodeKeyFile, encodeKeyFile, type KeyFile, type WrappedDataKey } from './key-file.ts';
import { DEFAULT_SCRYPT_COST, deriveKey, SALT_BYTES, type ScryptCost } from './key-derivation.ts';
import { ObjectChecker } from './object-checker.ts';
import type { RandomBytes } from './random-bytes.ts';
import { keyFileKey } from './repository-keys.ts';

/** A random key that wraps the content keys of one machine's objects. Never leaves this process unwrapped. */
export interface DataKey {
  readonly keyId: string;
  readonly bytes: Buffer;
}

export interface KeyringOptions {
  readonly passphrase: SecretString;
  /** Cost of new key files, and the least that a key file may ask; default `DEFAULT_SCRYPT_COST`. */
  readonly cost?: ScryptCost;
  readonly random?: RandomBytes;
}

/** Opens and makes key files with one passphrase. Remembers what it opened, because scrypt is slow on purpose. */
export class Keyring {
  readonly #passphrase: SecretString;
  readonly #cost: ScryptCost;
  readonly #random: RandomBytes;
  readonly #opened = new Map<string, Promise<readonly DataKey[]>>();

  constructor({ passphrase, cost = DEFAULT_SCRYPT_COST, random = randomBytes }: KeyringOptions) {
    this.#passphrase = passphrase;
    this.#cost = cost;
    this.#random = random;
  }

  createDataKey(): DataKey {
    const bytes = this.#random(KEY_BYTES);
    return { keyId: keyIdOf(bytes), bytes };
  }

  /**
   * A key file for these keys with a fresh salt; the first key is the one for new objects. Rotating a
   * passphrase is `newKeyring.wrap(machine, await oldKeyring.unlock(machine, file))`.
   */
  async wrap(machine: string, keys: readonly DataKey[]): Promise<Buffer> {
    const salt = this.#random(SALT_BYTES);
    const passphraseKey = await deriveKey(this.#passphrase, salt, this.#cost);
    const wrapped = keys.map(({ keyId, bytes }): WrappedDataKey => {
      const nonce = this.#random(NONCE_BYTES);
      const aad = wrapData(machine, keyId);
      return { keyId, nonce, wrapped: sealGcm({ key: passphraseKey, nonce, aad }, bytes) };
    });
    return encodeKeyFile({ machine, cost: this.#cost, salt, keys: wrapped });
  }

  /**
   * The data keys of a machine, the one for new objects first; at least one.
   * @param file bytes of its `key.json`
   * @throws WrongPassphraseError, RepositoryDamagedError, RepositoryTooNewError, EncryptionDowngradeError
   */
  async unlock(machine: string, file: Uint8Array): Promise<readonly DataKey[]> {
    const name = `${machine} ${createHash('sha256').update(file).digest('hex')}`;
    const known = this.#opened.get(name);
    if (known !== undefined) return known;
    const opening = this.#unlock(machine, file);
    this.#opened.set(name, opening);
    // A failure is not remembered: it may have been for want of memory.
    opening.catch(() => this.#opened.delete(name));
    return opening;
  }

  async #unlock(machine: string, bytes: Uint8Array): Promise<readonly DataKey[]> {
    const key = keyFileKey(machine);
    const file = decodeKeyFile(Buffer.from(bytes), machine, new ObjectChecker(key));
    if (file.cost.n * file.cost.r * file.cost.p < this.#cost.n * this.#cost.r * this.#cost.p) {
      throw new EncryptionDowngradeError(key, 'makes the passphrase easier to guess than this program does');
    }
    const passphraseKey = await deriveKey(this.#passphrase, file.salt, file.cost);
    return file.keys.map((wrapped) => unwrap(file, wrapped, passphraseKey));
  }
}

function unwrap({ machine }: KeyFile, { keyId, nonce, wrapped }: WrappedDataKey, key: Buffer): DataKey {
  const bytes = openGcm({ key, nonce, aad: wrapData(machine, keyId) }, wrapped);
  // The id is a hash of the key, so a file cannot be made that opens with two passphrases.
  if (bytes === null || keyIdOf(bytes) !== keyId) throw new WrongPassphraseError(machine);
  return { keyId, bytes };
}

function keyIdOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

function wrapData(machine: string, keyId: string): Buffer {
  return Buffer.from(`faiss-memory/1/data-key/${machine}/${keyId}`, 'latin1');
}
