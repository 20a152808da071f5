import { FaissMemoryError } from './faiss-memory-error.ts';

/** The intact key file of a machine does not open with this passphrase. */
export class WrongPassphraseError extends FaissMemoryError {
  /** The machine whose backups stay closed. */
  readonly machine: string;

  constructor(machine: string) {
    super('WRONG_PASSPHRASE', `The passphrase does not open the backups of machine ${machine}`, {
      fix: 'Set CLOUD_SYNC_PASSPHRASE (or CLOUD_SYNC_PASSPHRASE_FILE) to the passphrase that machine uses now.',
    });
    this.machine = machine;
  }
}
