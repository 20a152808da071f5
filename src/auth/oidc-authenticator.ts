import { LRUCache } from 'lru-cache';
import { AuthUnavailableError, RequestRefusedError } from '../errors/input-errors.ts';
import type { SecretString } from '../util/secret-string.ts';
import { secretDigest } from '../util/secret-string.ts';
import { fetchObject } from './bounded-fetch.ts';
import { type ClaimRules, type Claims, principalOf } from './claims.ts';
import { Issuer } from './issuer.ts';
import type { Authenticator, Principal } from './principal.ts';
import {
  invalidToken,
  isJwt,
  ProviderKeys,
  requireAudience,
  type TokenRules,
  verifyToken,
} from './token-verifier.ts';

export interface OidcRules extends TokenRules {
  readonly claims: ClaimRules;
  /** How this server asks about opaque tokens; without it they are unknown. */
  readonly introspection: { readonly clientId: string; readonly clientSecret: SecretString } | undefined;
}

/** Knows the access tokens of one authorization server: signed ones by its keys, opaque ones by asking it. */
export class OidcAuthenticator implements Authenticator {
  readonly #rules: OidcRules;
  readonly #issuer: Issuer;
  readonly #keys = new ProviderKeys();
  readonly #opaque: OpaqueTokens | undefined;

  constructor(rules: OidcRules) {
    this.#rules = rules;
    this.#issuer = new Issuer(rules.issuer);
    this.#opaque =
      rules.introspection === undefined
        ? undefined
        : new OpaqueTokens(this.#issuer, { ...rules, introspection: rules.introspection });
  }

  async authenticate(credential: string): Promise<Principal | null> {
    const claims = isJwt(credential)
      ? await this.#verify(credential)
      : await this.#opaque?.claimsOf(credential);
    if (claims === undefined) return null;
    const principal = principalOf(claims, this.#rules.claims);
    if (principal === undefined) {
      throw invalidToken(`names no person in the claim ${JSON.stringify(this.#rules.claims.person)}`);
    }
    return principal;
  }

  async #verify(token: string): Promise<Claims> {
    const { jwksUri } = await this.#issuer.metadata();
    return verifyToken(token, await this.#keys.at(jwksUri), this.#rules);
  }
}

const CACHE_MS = 60_000;
const MOST_CACHED = 10_000;
/** Questions at a time; a flood of wrong tokens would become one of questions. */
const MOST_QUESTIONS = 20;

type OpaqueRules = TokenRules & { readonly introspection: NonNullable<OidcRules['introspection']> };

/** Tokens without content of their own (RFC 7662). The provider's answer about one counts for a minute at most. */
class OpaqueTokens {
  readonly #issuer: Issuer;
  readonly #rules: OpaqueRules;
  readonly #known = new LRUCache<string, Claims>({ max: MOST_CACHED, ttl: CACHE_MS });
  #questions = 0;

  constructor(issuer: Issuer, rules: OpaqueRules) {
    this.#issuer = issuer;
    this.#rules = rules;
  }

  /** @returns undefined for one that the provider does not know, which may be of another kind */
  async claimsOf(token: string): Promise<Claims | undefined> {
    const key = secretDigest(token).toString('base64url');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const claims = await this.#ask(token);
    if (claims['active'] !== true) return undefined;
    this.#check(claims);
    const expiry = claims['exp'];
    const left = typeof expiry === 'number' ? expiry * 1_000 - Date.now() : CACHE_MS;
    if (left <= 0) throw invalidToken('has expired');
    this.#known.set(key, claims, { ttl: Math.min(CACHE_MS, left) });
    return claims;
  }

  #check(claims: Claims): void {
    const { issuer, isAudience } = this.#rules;
    if (claims['iss'] !== undefined && claims['iss'] !== issuer) throw invalidToken('is of another issuer');
    requireAudience(claims['aud'], isAudience);
  }

  async #ask(token: string): Promise<Claims> {
    const { introspectionEndpoint } = await this.#issuer.metadata();
    if (introspectionEndpoint === undefined) {
      throw new AuthUnavailableError('the provider has no introspection endpoint, and the token is opaque');
    }
    if (this.#questions >= MOST_QUESTIONS) {
      throw new RequestRefusedError('RATE_LIMITED', 'Too many unknown tokens are being looked up', {
        fix: 'Try again in a moment.',
        headers: { 'Retry-After': '1' },
      });
    }
    this.#questions += 1;
    try {
      const { clientId, clientSecret } = this.#rules.introspection;
      const pair = [clientId, clientSecret.reveal()].map((part) => encodeURIComponent(part)).join(':');
      return await fetchObject(introspectionEndpoint, {
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from(pair).toString('base64')}`,
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: new URLSearchParams({ token, token_type_hint: 'access_token' }).toString(),
      });
    } finally {
      this.#questions -= 1;
    }
  }
}
