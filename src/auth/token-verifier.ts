import type { JWTPayload, JWTVerifyGetKey, RemoteJWKSet } from 'jose';
import { AuthUnavailableError, RequestRefusedError } from '../errors/input-errors.ts';
import { reasonOf } from '../util/caught.ts';
import { fetchObject } from './bounded-fetch.ts';
import { loadJose } from './packages.ts';

/** Signatures that only the holder of a private key can make. `none` and `HS256` are no such signatures. */
export const SIGNATURES = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
/** Seconds that the clocks of the provider and of this server may differ by. */
const CLOCK_TOLERANCE = 30;
/** Kinds of tokens that are no access token have other types. Many providers write none, or one for every JWT. */
const TYPES = ['at+jwt', 'application/at+jwt', 'jwt'];

export interface TokenRules {
  readonly issuer: string;
  readonly isAudience: (audience: string) => boolean;
}

/** True for a text that looks like a signed token; every other one is opaque. */
export function isJwt(credential: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(credential);
}

/**
 * The claims of a signed access token.
 * @throws RequestRefusedError (`UNAUTHORIZED`) when anything about it is not right
 * @throws AuthUnavailableError when the keys cannot be read
 */
export async function verifyToken(
  token: string,
  keys: JWTVerifyGetKey,
  { issuer, isAudience }: TokenRules,
): Promise<JWTPayload> {
  const jose = await loadJose();
  try {
    const { payload, protectedHeader } = await jose.jwtVerify(token, keys, {
      issuer,
      algorithms: SIGNATURES,
      clockTolerance: CLOCK_TOLERANCE,
      requiredClaims: ['exp', 'aud'],
    });
    if (protectedHeader.typ !== undefined && !TYPES.includes(protectedHeader.typ.toLowerCase())) {
      throw invalidToken('is no access token');
    }
    requireAudience(payload.aud, isAudience);
    return payload;
  } catch (error) {
    throw error instanceof jose.errors.JOSEError ? invalidToken(problemOf(error.code, error.message)) : error;
  }
}

/** @throws RequestRefusedError when none of the audiences is this server */
export function requireAudience(claim: unknown, isAudience: (audience: string) => boolean): void {
  const audiences: unknown[] = Array.isArray(claim) ? claim : [claim];
  if (audiences.some((audience) => typeof audience === 'string' && isAudience(audience))) return;
  throw invalidToken('is for another server: its audience is not this one');
}

/** @param problem the rest of a sentence whose subject is the token */
export function invalidToken(problem: string): RequestRefusedError {
  return new RequestRefusedError('UNAUTHORIZED', `The token ${problem}`, {
    fix: 'Sign in again.',
  });
}

function problemOf(code: string, message: string): string {
  if (code === 'ERR_JWT_EXPIRED') return 'has expired';
  if (code === 'ERR_JWT_CLAIM_VALIDATION_FAILED') return `is not valid: ${message}`;
  return 'is not valid: its signature, its key or its form is wrong';
}

/** How long keys are used before the provider is asked whether they are still the same. */
const KEYS_FRESH_MS = 600_000;
/** How long after reading the keys an unknown one, or a failure, does not lead to reading them again. */
const COOLDOWN_MS = 30_000;

/** The signing keys of a provider. Keys that were read once go on while it cannot be reached. */
export class ProviderKeys {
  #keys: RemoteJWKSet | undefined;
  #address = '';
  #askedAt = 0;

  /** @param address of the key set */
  async at(address: string): Promise<JWTVerifyGetKey> {
    const keys = await this.#open(address);
    if (keys.jwks() !== undefined && Date.now() - this.#askedAt > KEYS_FRESH_MS) {
      this.#askedAt = Date.now();
      // The ones that are known go on when this fails.
      await keys.reload().catch(() => undefined);
    }
    return async (header, token) => {
      try {
        return await keys(header, token);
      } catch (error) {
        const { errors } = await loadJose();
        const isOfProvider = error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid;
        if (isOfProvider || !(error instanceof errors.JOSEError)) {
          throw error instanceof AuthUnavailableError
            ? error
            : new AuthUnavailableError(`the keys of the provider cannot be read: ${reasonOf(error)}`, error);
        }
        throw error;
      }
    };
  }

  async #open(address: string): Promise<RemoteJWKSet> {
    if (this.#keys !== undefined && this.#address === address) return this.#keys;
    const { createRemoteJWKSet, customFetch } = await loadJose();
    this.#address = address;
    this.#askedAt = Date.now();
    return (this.#keys = createRemoteJWKSet(new URL(address), {
      // Their age is looked at above, where a failure does no harm.
      cacheMaxAge: Infinity,
      cooldownDuration: COOLDOWN_MS,
      [customFetch]: async (url: string, { headers, signal }: { headers: Headers; signal: AbortSignal }) =>
        Response.json(await fetchObject(url, { headers: Object.fromEntries(headers), signal })),
    }));
  }
}
