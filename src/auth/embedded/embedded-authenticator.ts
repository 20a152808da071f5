import type { JWK, JWTVerifyGetKey } from 'jose';
import { isScope, type Principal, type Authenticator, withIncluded } from '../principal.ts';
import { isOwnResource } from '../protected-resource.ts';
import { loadJose } from '../packages.ts';
import { invalidToken, isJwt, verifyToken } from '../token-verifier.ts';
import { type Accounts, allowedScopes } from './accounts.ts';
import type { AuthStore } from './auth-store.ts';
import { signingKeys } from './signing-keys.ts';

/** Knows the access tokens of the authorization server in this program. */
export class EmbeddedAuthenticator implements Authenticator {
  readonly #publicUrl: string;
  readonly #store: AuthStore;
  readonly #accounts: Accounts;
  #keys: JWTVerifyGetKey | undefined;

  constructor(publicUrl: string, store: AuthStore, accounts: Accounts) {
    this.#publicUrl = publicUrl;
    this.#store = store;
    this.#accounts = accounts;
  }

  async authenticate(credential: string): Promise<Principal | null> {
    if (!isJwt(credential)) return null;
    const claims = await verifyToken(credential, await this.#publicKeys(), {
      issuer: this.#publicUrl,
      isAudience: (audience) => isOwnResource(this.#publicUrl, audience),
    });
    const account = this.#accounts.find(claims.sub ?? '');
    if (account === undefined) throw invalidToken('is of a person who has no account any more');
    if ((claims.iat ?? 0) < account.validFrom) throw invalidToken('is older than the password');
    const named = typeof claims['scope'] === 'string' ? claims['scope'].split(' ') : [];
    return {
      person: account.id,
      name: account.name,
      scopes: withIncluded(allowedScopes(account, named.filter(isScope))),
      groups: [],
    };
  }

  async #publicKeys(): Promise<JWTVerifyGetKey> {
    if (this.#keys !== undefined) return this.#keys;
    const { createLocalJWKSet } = await loadJose();
    const keys = signingKeys(this.#store).map(
      ({ kty, crv, x, y, kid, alg }) => ({ kty, crv, x, y, kid, alg }) as JWK,
    );
    return (this.#keys = createLocalJWKSet({ keys }));
  }
}
