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

/** A random key that encrypts the content keys of one machine's objects. It is only stored in encrypted form. */
export interface DataKey {
  readonly keyId: string;
  readonly bytes: Buffer;
}

export interface KeyringOptions {
  readonly passphrase: SecretString;
  /** Cost of new key files, and the minimum for existing ones. @default DEFAULT_SCRYPT_COST */
  readonly cost?: ScryptCost;
  readonly random?: RandomBytes;
}

/** Opens and creates key files with one passphrase. It caches opened files, because scrypt is slow on purpose. */
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
   * Creates a key file for these keys with a fresh salt. The first key is for new objects. To change a passphrase:
   * `newKeyring.wrap(machine, await oldKeyring.unlock(machine, file))`.
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
   * @param file bytes of the machine's `key.json`
   * @returns the data keys of the machine, at least one; the first is for new objects
   * @throws WrongPassphraseError, RepositoryDamagedError, RepositoryTooNewError, EncryptionDowngradeError
   */
  async unlock(machine: string, file: Uint8Array): Promise<readonly DataKey[]> {
    const name = `${machine} ${createHash('sha256').update(file).digest('hex')}`;
    const known = this.#opened.get(name);
    if (known !== undefined) return known;
    const opening = this.#unlock(machine, file);
    this.#opened.set(name, opening);
    // A failure is not cached: scrypt may only have lacked memory.
    opening.catch(() => this.#opened.delete(name));
    return opening;
  }

  async #unlock(machine: string, bytes: Uint8Array): Promise<readonly DataKey[]> {
    const key = keyFileKey(machine);
    const file = decodeKeyFile(Buffer.from(bytes), machine, new ObjectChecker(key));
    if (file.cost.n * file.cost.r * file.cost.p < this.#cost.n * this.#cost.r * this.#cost.p) {
      throw new EncryptionDowngradeError(
        key,
        'makes the passphrase easier to guess than this program allows',
      );
    }
    const passphraseKey = await deriveKey(this.#passphrase, file.salt, file.cost);
    return file.keys.map((wrapped) => unwrap(file, wrapped, passphraseKey));
  }
}

function unwrap({ machine }: KeyFile, { keyId, nonce, wrapped }: WrappedDataKey, key: Buffer): DataKey {
  const bytes = openGcm({ key, nonce, aad: wrapData(machine, keyId) }, wrapped);
  // The id is a hash of the key. This prevents a file that opens with two passphrases.
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

  /** @returns the bytes of a machine's `key.json`; null when it has none */
  async readFile(machine: string): Promise<Uint8Array | null> {
    const blob = await getBounded(this.#store, {
      key: keyFileKey(machine),
      maxBytes: MAX_KEY_FILE_BYTES,
    });
    return blob?.bytes ?? null;
  }

  /**
   * @param neededFor key of the object to open, for the error
   * @throws MissingKeyError, WrongPassphraseError, EncryptionDowngradeError, RepositoryDamagedError
   */
  async open(machine: string, neededFor: string): Promise<readonly DataKey[]> {
    if (this.keyring === null) throw new MissingKeyError(neededFor, 'no-passphrase');
    const file = await this.readFile(machine);
    if (file === null) throw new MissingKeyError(neededFor, 'no-key-file');
    return this.keyring.unlock(machine, file);
  }

  /**
   * Returns the key for new objects; null when the repository is plain. Creates the key file when there is none. So
   * only the owner of the folder may call it, and only after reading its own head: an encrypted head without a key
   * file must end in an error, not in a new key.
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
