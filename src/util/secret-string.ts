import { createHash } from 'node:crypto';

const inspectCustom = Symbol.for('nodejs.util.inspect.custom');
const REDACTED = '[redacted]';

/** A secret that prints as `[redacted]` in templates, JSON, `util.inspect`, errors and spreads. */
export class SecretString {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The secret itself. Call it only to pass the secret to its service. */
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

/** The kept and compared form of a random secret: a plain hash is enough, because it cannot be guessed. 32 bytes. */
export function secretDigest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
