import { FaissMemoryError } from './faiss-memory-error.ts';

/** A value from outside is not allowed. Nothing was changed. */
export class InvalidInputError extends FaissMemoryError {
  /** Path of the field, for example `memories[0].text`. */
  readonly field: string;

  /**
   * @param field path of the field
   * @param problem what is wrong with which value, for example `is empty`
   * @param allowed what is allowed, as a sentence without a subject
   */
  constructor(field: string, problem: string, allowed: string) {
    super('INVALID_INPUT', `${field} ${problem}; ${allowed}`, {});
    this.field = field;
  }
}
