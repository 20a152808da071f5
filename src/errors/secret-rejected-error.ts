import { FaissMemoryError } from './faiss-memory-error.ts';

/** A text holds credential-like strings and the configuration says to reject them. Nothing was stored. */
export class SecretRejectedError extends FaissMemoryError {
  readonly kinds: readonly string[];

  constructor(field: string, kinds: readonly string[]) {
    super('SECRET_REJECTED', `${field} contains what looks like a secret: ${kinds.join(', ')}`, {
      fix: 'Leave the secret out and say where it is kept instead, or set MEMORY_SECRETS=mask.',
    });
    this.kinds = kinds;
  }
}
