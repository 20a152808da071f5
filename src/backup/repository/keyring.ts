import { createHash, randomBytes } from 'node:crypto';
import type { BlobStore } from '../../blob/blob-store.ts';
import {
  EncryptionDowngradeError,
  MissingKeyError,
  WrongPassphraseError,
} from '../../errors/backup-errors.ts';
import type { SecretString } from '../../util/secret-string.ts';
import {
  DEFAULT_SCRYPT_COST,
  deriveKey,
  KEY_BYTES,
  NONCE_BYTES,
  openGcm,
  SALT_BYTES,
  type ScryptCost,
  sealGcm,
} from '../format/encryption.ts';
import { decodeKeyFile, encodeKeyFile, type KeyFile, type WrappedDataKey } from '../format/key-file.ts';
import { keyFileKey, MAX_KEY_FILE_BYTES, type RandomBytes } from '../format/names.ts';
import { ObjectChecker } from '../format/object-checker.ts';
import { getBounded, putVerified } from './transfer.ts';

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

/** The data keys of the machines in one repository. */
export class MachineKeys {
  readonly #store: BlobStore;
  /** Null when no passphrase is set. */
  readonly keyring: Keyring | null;

  constructor(store: BlobStore, keyring: Keyring | null) {
    this.#store = store;
    this.keyring = keyring;
  }

  /** Bytes of a machine's `key.json`, or null. */
  async readFile(machine: string): Promise<Uint8Array | null> {
    const blob = await getBounded(this.#store, keyFileKey(machine), MAX_KEY_FILE_BYTES);
    return blob?.bytes ?? null;
  }

  /**
   * @param neededFor key of the object that is to be opened, for the error
   * @throws MissingKeyError, WrongPassphraseError, EncryptionDowngradeError, RepositoryDamagedError
   */
  async open(machine: string, neededFor: string): Promise<readonly DataKey[]> {
    if (this.keyring === null) throw new MissingKeyError(neededFor, 'no-passphrase');
    const file = await this.readFile(machine);
    if (file === null) throw new MissingKeyError(neededFor, 'no-key-file');
    return this.keyring.unlock(machine, file);
  }

  /**
   * The key for new objects; null when the repository is plain. Makes the key file when there is none, so only
   * the machine that owns the folder may call it, and only after it read its own head: an encrypted head
   * without a key file is an error, not a reason for a new key.
   */
  async current(machine: string): Promise<DataKey | null> {
    const { keyring } = this;
    if (keyring === null) return null;
    let file = await this.readFile(machine);
    if (file === null) {
      file = await keyring.wrap(machine, [keyring.createDataKey()]);
      await putVerified(this.#store, { key: keyFileKey(machine), bytes: file });
    }
    const [dataKey] = await keyring.unlock(machine, file);
    return dataKey ?? null;
  }
}
