import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { ConfigurationError } from '../../errors/input-errors.ts';
import type { SecretString } from '../../util/secret-string.ts';

const MARK = 'sealed1.';
const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts the secrets of the authorization server with a secret that is not in its store, so that a reader of the store
 * cannot make tokens. Without such a secret they are kept as they are.
 */
export class SecretSeal {
  readonly #key: Buffer | undefined;

  constructor(secret: SecretString | undefined) {
    this.#key =
      secret === undefined
        ? undefined
        : Buffer.from(hkdfSync('sha256', secret.reveal(), '', 'faiss-memory sign-in', 32));
  }

  get isUsed(): boolean {
    return this.#key !== undefined;
  }

  isOpen(content: string): boolean {
    return !content.startsWith(MARK);
  }

  /** @param id of the secret, so that one cannot take the place of another */
  close(id: string, text: string): string {
    if (this.#key === undefined) return text;
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, nonce).setAAD(Buffer.from(id));
    const parts = [cipher.update(text, 'utf8'), cipher.final()];
    return MARK + Buffer.concat([nonce, ...parts, cipher.getAuthTag()]).toString('base64url');
  }

  /** @throws ConfigurationError when it was closed with another secret */
  open(id: string, content: string): string {
    if (this.isOpen(content)) return content;
    if (this.#key === undefined) throw wrongSecret('is missing: the keys of sign-in are encrypted with it');
    const bytes = Buffer.from(content.slice(MARK.length), 'base64url');
    try {
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv(CIPHER, this.#key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(id)).setAuthTag(bytes.subarray(-TAG_BYTES));
      const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
      return Buffer.concat([text, decipher.final()]).toString();
    } catch (cause) {
      throw wrongSecret('is not the one that the keys of sign-in are encrypted with', cause);
    }
  }
}

function wrongSecret(problem: string, cause?: unknown): ConfigurationError {
  const allowed = 'set MEMORY_AUTH_SECRET to the same text on all servers';
  return new ConfigurationError(
    [{ key: 'auth.secret', problem, source: 'setting auth.secret', allowed }],
    cause === undefined ? {} : { cause },
  );
}
