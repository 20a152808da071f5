import type { BlobStore } from '../blob/blob-store.ts';
import { MissingKeyError } from '../errors/backup-errors.ts';
import { MAX_KEY_FILE_BYTES } from './format-limits.ts';
import { getBounded } from './get-bounded.ts';
import type { DataKey, Keyring } from './keyring.ts';
import { putVerified } from './put-verified.ts';
import { keyFileKey } from './repository-keys.ts';

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
