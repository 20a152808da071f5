/** The rights of a credential, as OAuth scopes: each includes the ones before it. */
export const SCOPES = ['memory:read', 'memory:write', 'memory:admin'] as const;
export type Scope = (typeof SCOPES)[number];

export function isScope(word: string): word is Scope {
  return (SCOPES as readonly string[]).includes(word);
}

/** With the scopes that each of them includes. */
export function withIncluded(scopes: readonly Scope[]): ReadonlySet<Scope> {
  const highest = Math.max(-1, ...scopes.map((scope) => SCOPES.indexOf(scope)));
  return new Set(SCOPES.slice(0, highest + 1));
}

/** The caller of a request whose credential was checked. */
export interface Principal {
  /** Stable, and unique among all people of a server: `server` for its own shared tokens, else the id of the person. */
  readonly person: string;
  /** To show to people; may change. */
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
  /** Groups of the person at an identity provider; empty without one. */
  readonly groups: readonly string[];
}

/** The server's name for callers with its own shared tokens; no person has this id. */
export const SERVER_PERSON = 'server';

/** Knows one kind of credential. */
export interface Authenticator {
  /**
   * @param credential as the caller sent it: a bearer token or an API key; at most 16 KiB
   * @returns null when it is not of this kind, so that another authenticator may know it
   * @throws RequestRefusedError (`UNAUTHORIZED`) when it is of this kind and not valid (expired, revoked, of another audience)
   */
  authenticate(credential: string): Promise<Principal | null>;
}
