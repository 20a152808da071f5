import { FaissMemoryError } from './faiss-memory-error.ts';

/**
 * Something less protected than what was agreed: a plain object where a passphrase is set, or a key file whose
 * key derivation is weaker than any this program ever wrote. Whoever can write to the store may have put it there.
 */
export class EncryptionDowngradeError extends FaissMemoryError {
  readonly key: string;

  /** @param problem as a sentence without a subject */
  constructor(key: string, problem: string) {
    super('ENCRYPTION_DOWNGRADE', `The backup object ${key} was refused: it ${problem}`, {
      fix: 'If it is of a machine of yours without the passphrase, set the passphrase there and push again.',
    });
    this.key = key;
  }
}
