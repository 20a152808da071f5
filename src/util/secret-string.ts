const inspectCustom = Symbol.for('nodejs.util.inspect.custom');
const REDACTED = '[redacted]';

/** A secret that prints as `[redacted]` by every route: templates, JSON, `util.inspect`, errors, spread. */
export class SecretString {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The secret itself. Call it only where it leaves for the service it belongs to. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.toPrimitive](): string {
    return REDACTED;
  }

  [inspectCustom](): string {
    return REDACTED;
  }
}
