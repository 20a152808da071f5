import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { JWK } from 'jose';
import { StoreUnavailableError } from '../../errors/store-errors.ts';
import { settleWithin } from '../../util/concurrency.ts';
import type { AuthStore } from './auth-store.ts';
import type { SecretSeal } from './secret-seal.ts';

const SIGNING = 'signing';
const COOKIE = 'cookie';
/** The signature of access tokens. */
export const ALGORITHM = 'ES256';
/** As long as a token lives, and the clients of the key set keep it. */
const KEEP_MS = 86_400_000;
/** How long keys are used before they are looked at again: another process may have made a new one. */
const FRESH_MS = 60_000;
/** How long an unknown key does not lead to looking again. */
const COOLDOWN_MS = 1_000;
/** How long keys that are known wait for a look at newer ones. */
const WAIT_MS = 2_000;
const SILENT_MS = 5_000;

/** The keys of the authorization server, the ones in use first. */
export interface ServerKeys {
  /** Private keys of access tokens. */
  readonly signing: readonly JWK[];
  /** Secrets of the cookies of the pages. */
  readonly cookies: readonly string[];
}

/** The keys that all servers on one store share. The first ones are made at the first start. */
export class KeyRing {
  readonly #store: AuthStore;
  readonly #seal: SecretSeal;
  #known: ServerKeys | undefined;
  #readAt = 0;
  /** Until then, nothing waits for the store, which did not answer in time. */
  #silentUntil = 0;
  #reading: Promise<ServerKeys> | undefined;

  constructor(store: AuthStore, seal: SecretSeal) {
    this.#store = store;
    this.#seal = seal;
  }

  /**
   * The same object while nothing has changed. Keys that were read once go on while the store cannot be reached.
   * @throws StoreUnavailableError when they were never read; ConfigurationError when they are sealed with another secret
   */
  current(): Promise<ServerKeys> {
    return this.#younger(FRESH_MS);
  }

  /** The same, read anew when no key has the id. */
  async knowing(keyId: string | undefined): Promise<ServerKeys> {
    const keys = await this.current();
    return keys.signing.some(({ kid }) => kid === keyId) ? keys : this.#younger(COOLDOWN_MS);
  }

  /** Makes a new key for all tokens; servers that run use it within a minute. */
  async rotate(): Promise<void> {
    await this.#addKey('always');
    this.#readAt = 0;
  }

  async #younger(age: number): Promise<ServerKeys> {
    if (this.#known !== undefined && Date.now() - this.#readAt < age) return this.#known;
    const known = this.#known;
    if (known !== undefined && Date.now() < this.#silentUntil) return known;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    if (known === undefined) return this.#reading;
    try {
      const keys = await settleWithin(this.#reading, WAIT_MS);
      if (keys !== undefined) return keys;
      this.#silentUntil = Date.now() + SILENT_MS;
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
    }
    return known;
  }

  async #read(): Promise<ServerKeys> {
    if ((await this.#store.secrets(COOKIE)).length === 0) {
      const [id, content] = [randomBytes(8).toString('hex'), randomBytes(32).toString('base64url')];
      await this.#store.addSecret(COOKIE, { id, content: this.#seal.close(id, content) }, 'none');
    }
    if ((await this.#store.secrets(SIGNING)).length === 0) await this.#addKey('none');
    await this.#removeOld();
    const [signing, cookies] = [await this.#open(SIGNING), await this.#open(COOKIE)];
    const keys = { signing: signing.map((text) => JSON.parse(text) as JWK), cookies };
    this.#readAt = Date.now();
    if (JSON.stringify(keys) !== JSON.stringify(this.#known)) this.#known = keys;
    return this.#known ?? keys;
  }

  async #open(kind: string): Promise<string[]> {
    const opened: string[] = [];
    for (const { id, content } of await this.#store.secrets(kind)) {
      const text = this.#seal.open(id, content);
      opened.push(text);
      // The setting came later than the key.
      if (this.#seal.isOpen(content) && this.#seal.isUsed)
        await this.#store.replaceSecret(id, { from: content, to: this.#seal.close(id, text) });
    }
    return opened;
  }

  /** Replaced keys stay for a day, so that tokens count until they expire. */
  async #removeOld(): Promise<void> {
    const [newest, ...others] = await this.#store.secrets(SIGNING);
    if (newest === undefined || Date.now() - newest.createdAt <= KEEP_MS) return;
    for (const old of others) await this.#store.removeSecret(old.id);
  }

  async #addKey(when: 'none' | 'always'): Promise<void> {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const id = randomBytes(8).toString('hex');
    const key = { ...privateKey.export({ format: 'jwk' }), kid: id, alg: ALGORITHM, use: 'sig' };
    const content = this.#seal.close(id, JSON.stringify(key));
    await this.#store.addSecret(SIGNING, { id, content }, when);
  }
}
