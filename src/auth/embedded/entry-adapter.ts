import type { Adapter, AdapterPayload, errors } from 'oidc-provider';
import { FaissMemoryError } from '../../errors/faiss-memory-error.ts';
import { secretDigest } from '../../util/secret-string.ts';
import type { AuthStore, StoredEntry } from './auth-store.ts';

/** Entries whose id is a secret of its own are found by a digest of it, so that the store gives no token away. */
const SECRET_IDS = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken', 'RegistrationAccessToken']);

/** The most entries of a kind that strangers can cause; the least recently used ones go first. */
const MOST: Readonly<Record<string, number>> = { Client: 2_000, Interaction: 10_000, Session: 10_000 };
const MOST_OTHERS = 100_000;
/** How often all expired entries are removed, in writes. */
const SWEEP_EVERY = 50;
/** Clocks of two machines differ by less, where they are kept right; in seconds. */
const SAME_TIME = 2;

/** Errors of the library, which it knows how to answer. */
export type ProtocolErrors = Pick<typeof errors, 'InvalidGrant' | 'CustomOIDCProviderError'>;

/** Keeps the entries of the authorization server, of one kind. */
export class EntryAdapter implements Adapter {
  readonly #store: AuthStore;
  readonly #kind: string;
  readonly #errors: ProtocolErrors;
  #writes = 0;

  constructor(store: AuthStore, kind: string, protocolErrors: ProtocolErrors) {
    this.#store = store;
    this.#kind = kind;
    this.#errors = protocolErrors;
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<undefined> {
    const { jti, ...others } = payload;
    await this.#answered(
      this.#store.putEntry({
        kind: this.#kind,
        key: this.#keyOf(id),
        content: JSON.stringify(SECRET_IDS.has(this.#kind) && jti === id ? others : payload),
        accountId: payload.accountId,
        grantId: payload.grantId,
        uid: payload.uid,
        // A client that registered itself comes back or is forgotten; see `MOST`.
        lifeMs: typeof expiresIn === 'number' && Number.isFinite(expiresIn) ? expiresIn * 1_000 : undefined,
      }),
    );
    // The next one does it when this one fails.
    if (this.#writes % SWEEP_EVERY === 0)
      await this.#store.sweep(this.#kind, MOST[this.#kind] ?? MOST_OTHERS).catch(() => undefined);
    this.#writes += 1;
    return undefined;
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const entry = await this.#answered(this.#store.entry(this.#kind, this.#keyOf(id)));
    if (entry === undefined) return undefined;
    const payload = toPayload(entry);
    return SECRET_IDS.has(this.#kind) ? { ...payload, jti: id } : payload;
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    const entry = await this.#answered(this.#store.entryByUid(this.#kind, uid));
    return entry === undefined ? undefined : toPayload(entry);
  }

  /** Codes of devices are not offered. */
  findByUserCode(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  /**
   * The library looks whether a code or refresh token was used, and marks it as used in a second step. Of several
   * requests that come between the two, one may go on; the others end all that came from the grant, as a later one does.
   */
  async consume(id: string): Promise<undefined> {
    const key = this.#keyOf(id);
    if (await this.#answered(this.#store.consumeEntry(this.#kind, key))) return undefined;
    const used = await this.find(id);
    if (used?.grantId !== undefined) await this.revokeByGrantId(used.grantId);
    throw new this.#errors.InvalidGrant('used already');
  }

  async destroy(id: string): Promise<undefined> {
    await this.#answered(this.#store.removeEntry(this.#kind, this.#keyOf(id)));
    return undefined;
  }

  async revokeByGrantId(grantId: string): Promise<undefined> {
    await this.#answered(this.#store.removeGrant(grantId));
    return undefined;
  }

  #keyOf(id: string): string {
    return SECRET_IDS.has(this.#kind) ? secretDigest(id).toString('base64url') : id;
  }

  #answered<Result>(work: Promise<Result>): Promise<Result> {
    return work.catch((error: unknown) => {
      throw unavailable(error, this.#errors);
    });
  }
}

/** The error that the library answers with 503, without a word about the store. Other errors stay as they are. */
export function unavailable(error: unknown, { CustomOIDCProviderError }: ProtocolErrors): unknown {
  if (!(error instanceof FaissMemoryError) || !error.retryable) return error;
  const answer = new CustomOIDCProviderError(
    'temporarily_unavailable',
    'sign-in is not possible for a moment; try again',
  );
  return Object.assign(answer, { status: 503, statusCode: 503, expose: true, cause: error });
}

/** The end is by the clock of the store. The library compares it with that of this machine. */
function toPayload({ content, consumedAt, leftMs }: StoredEntry): AdapterPayload {
  const payload = JSON.parse(content) as AdapterPayload;
  const consumed = consumedAt === undefined ? {} : { consumed: consumedAt };
  if (leftMs === undefined || payload.exp === undefined) return { ...payload, ...consumed };
  const end = Math.ceil((Date.now() + leftMs) / 1_000);
  const exp = Math.abs(end - payload.exp) > SAME_TIME ? end : payload.exp;
  return { ...payload, ...consumed, exp };
}
