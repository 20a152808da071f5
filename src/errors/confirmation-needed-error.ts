import { FaissMemoryError } from './faiss-memory-error.ts';

/** What was asked for would change many memories; nothing was changed yet. */
export class ConfirmationNeededError extends FaissMemoryError {
  /** What would happen, as the answer of the dry run. */
  readonly dryRun: Readonly<Record<string, unknown>>;

  constructor(message: string, dryRun: Readonly<Record<string, unknown>>) {
    super('CONFIRMATION_NEEDED', message, {
      fix: 'Repeat the request with confirm=true, or with the token in "confirm".',
    });
    this.dryRun = dryRun;
  }
}
