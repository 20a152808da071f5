import type { JWK, JWTVerifyGetKey } from 'jose';
import { LRUCache } from 'lru-cache';
import { StoreUnavailableError } from '../../errors/store-errors.ts';
import { settleWithin } from '../../util/concurrency.ts';
import { isScope, type Principal, type Authenticator, withIncluded } from '../principal.ts';
import { isOwnResource } from '../protected-resource.ts';
import { loadJose } from '../packages.ts';
import { invalidToken, isJwt, verifyToken } from '../token-verifier.ts';
import { type Account, type Accounts, allowedScopes } from './accounts.ts';
import { ACCOUNT_CLAIM, ACCESS_TOKEN_SECONDS } from './provider-settings.ts';
import type { KeyRing, ServerKeys } from './signing-keys.ts';

const MOST_KNOWN = 10_000;
/** A request waits so long for the store before it goes on with what was known. */
const WAIT_MS = 2_000;
const SILENT_WAIT_MS = 50;

/** Knows the access tokens of the authorization server in this program. */
export class EmbeddedAuthenticator implements Authenticator {
  readonly #publicUrl: string;
  readonly #accounts: Accounts;
  readonly #keys: KeyRing;
  /** As they were when the store last answered: they go on while it cannot be reached, as long as a token lives. */
  readonly #known = new LRUCache<string, Account>({ max: MOST_KNOWN, ttl: ACCESS_TOKEN_SECONDS * 1_000 });
  /** The store did not answer the last question in time. */
  #isSilent = false;
  #verifier: { readonly keys: ServerKeys; readonly find: JWTVerifyGetKey } | undefined;

  constructor(publicUrl: string, accounts: Accounts, keys: KeyRing) {
    this.#publicUrl = publicUrl;
    this.#accounts = accounts;
    this.#keys = keys;
  }

  async authenticate(credential: string): Promise<Principal | null> {
    if (!isJwt(credential)) return null;
    const claims = await verifyToken(credential, this.#publicKey, {
      issuer: this.#publicUrl,
      isAudience: (audience) => isOwnResource(this.#publicUrl, audience),
    });
    const account = await this.#account(claims.sub ?? '');
    if (account === undefined) throw invalidToken('is of a person who has no account any more');
    if (claims[ACCOUNT_CLAIM] !== account.version) throw invalidToken('is older than the password');
    const named = typeof claims['scope'] === 'string' ? claims['scope'].split(' ') : [];
    return {
      person: account.id,
      name: account.name,
      scopes: withIncluded(allowedScopes(account, named.filter(isScope))),
      groups: [],
    };
  }

  async #account(id: string): Promise<Account | undefined> {
    const asking = this.#accounts.find(id).then((account) => {
      this.#isSilent = false;
      if (account === undefined) this.#known.delete(id);
      else this.#known.set(id, account);
      return { account };
    });
    const known = this.#known.get(id);
    if (known === undefined) return (await asking).account;
    try {
      const answer = await settleWithin(asking, this.#isSilent ? SILENT_WAIT_MS : WAIT_MS);
      if (answer !== undefined) return answer.account;
      this.#isSilent = true;
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
    }
    return known;
  }

  readonly #publicKey: JWTVerifyGetKey = async (header, token) => {
    const keys = await this.#keys.knowing(header.kid);
    if (this.#verifier?.keys !== keys) {
      const { createLocalJWKSet } = await loadJose();
      const known = keys.signing.map(({ kty, crv, x, y, kid, alg }) => ({ kty, crv, x, y, kid, alg }) as JWK);
      this.#verifier = { keys, find: createLocalJWKSet({ keys: known }) };
    }
    return this.#verifier.find(header, token);
  };
}
