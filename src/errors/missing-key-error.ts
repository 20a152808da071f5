import { FaissMemoryError } from './faiss-memory-error.ts';

/**
 * no-passphrase: an encrypted object, and no passphrase is configured.
 * no-key-file: the machine's `key.json` is gone. unknown-key: it does not hold the key that the object names.
 */
export type MissingKeyReason = 'no-passphrase' | 'no-key-file' | 'unknown-key';

const PROBLEMS: Readonly<Record<MissingKeyReason, string>> = {
  'no-passphrase': 'it is encrypted and no passphrase is set',
  'no-key-file': 'it is encrypted and the key file of its machine is missing',
  'unknown-key': 'it is encrypted with a key that the key file of its machine does not hold',
};
const FIXES: Readonly<Record<MissingKeyReason, string>> = {
  'no-passphrase': 'Set CLOUD_SYNC_PASSPHRASE or CLOUD_SYNC_PASSPHRASE_FILE.',
  'no-key-file':
    'Run "faiss-memory sync push" on the machine that wrote it; its local backups hold the key file.',
  'unknown-key':
    'Run "faiss-memory sync push" on the machine that wrote it; its local backups hold the key file.',
};

/** An encrypted object cannot be opened because a key is not there; the object itself may be fine. */
export class MissingKeyError extends FaissMemoryError {
  readonly key: string;
  readonly reason: MissingKeyReason;

  /** @param key the object's key inside the repository */
  constructor(key: string, reason: MissingKeyReason) {
    super('MISSING_KEY', `The backup object ${key} cannot be opened: ${PROBLEMS[reason]}`, {
      fix: FIXES[reason],
    });
    this.key = key;
    this.reason = reason;
  }
}
