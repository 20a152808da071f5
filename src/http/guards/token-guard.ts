import { createHash, timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import type { Access, ServerParts, Workspace } from '../../api/services.ts';
import type { Authenticator, Principal, Scope } from '../../auth/principal.ts';
import { RequestRefusedError } from '../../errors/input-errors.ts';
import type { SecretString } from '../../util/secret-string.ts';
import type { HttpContext, HttpEnvironment } from '../http-environment.ts';

export interface Tokens {
  readonly token: SecretString | undefined;
  readonly readToken: SecretString | undefined;
}

/** The person behind the shared tokens of a server. */
export const SERVER = 'server';

/** Longer credentials are refused unread. */
const LONGEST_CREDENTIAL = 16_384;

/**
 * Finds the caller by the credential of the request.
 * @param authenticators asked in this order; without any, every caller may do everything
 */
export function tokenGuard(authenticators: readonly Authenticator[]): MiddlewareHandler<HttpEnvironment> {
  return async (context, next) => {
    context.set(
      'principal',
      authenticators.length === 0 ? serverPrincipal('write') : await authenticate(context, authenticators),
    );
    await next();
  };
}

async function authenticate(
  { req }: HttpContext,
  authenticators: readonly Authenticator[],
): Promise<Principal> {
  const given = /^Bearer +(\S+) *$/i.exec(req.header('authorization') ?? '')?.[1] ?? req.header('x-api-key');
  if (given === undefined) throw unauthorized('The request has no token');
  if (given.length <= LONGEST_CREDENTIAL) {
    for (const authenticator of authenticators) {
      const principal = await authenticator.authenticate(given);
      if (principal !== null) return principal;
    }
  }
  throw unauthorized('The token is not the one of this server');
}

function unauthorized(problem: string): RequestRefusedError {
  return new RequestRefusedError('UNAUTHORIZED', problem, {
    fix: 'Send "Authorization: Bearer <token>" with the token from MEMORY_HTTP_TOKEN.',
    headers: { 'WWW-Authenticate': 'Bearer realm="faiss-memory"' },
  });
}

/** The shared tokens of a server; none when it has none. */
export function serverTokens({ token, readToken }: Tokens): Authenticator[] {
  const known = [
    ...(token === undefined ? [] : [{ digest: digestOf(token.reveal()), access: 'write' as const }]),
    ...(readToken === undefined ? [] : [{ digest: digestOf(readToken.reveal()), access: 'read' as const }]),
  ];
  if (known.length === 0) return [];
  return [
    {
      authenticate(credential) {
        // Digests have one length, so the comparison takes the same time for every wrong token.
        const digest = digestOf(credential);
        const [match] = known.filter((one) => timingSafeEqual(one.digest, digest));
        return Promise.resolve(match === undefined ? null : serverPrincipal(match.access));
      },
    },
  ];
}

function serverPrincipal(access: Access): Principal {
  const scopes: Scope[] =
    access === 'read' ? ['memory:read'] : ['memory:read', 'memory:write', 'memory:admin'];
  return { person: SERVER, name: SERVER, scopes: new Set(scopes), groups: [] };
}

function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/**
 * Finds the memories that a request is about.
 * @param space in the path; undefined = the caller's own
 * @throws RequestRefusedError when the caller has no right there
 */
export type WorkspaceFinder = (caller: Principal, space: string | undefined) => Promise<Workspace>;

/** One store for everybody, whoever calls. */
export function oneWorkspace(parts: ServerParts): WorkspaceFinder {
  return ({ scopes }) => {
    const access = scopes.has('memory:write') || scopes.has('memory:admin') ? 'write' : 'read';
    return Promise.resolve({ parts, access, key: access });
  };
}

/** Puts the workspace of a request into its context. @param hasSpaces the path may name a space */
export function workspaceGuard(
  find: WorkspaceFinder,
  hasSpaces: boolean,
): MiddlewareHandler<HttpEnvironment> {
  return async (context, next) => {
    const space = hasSpaces ? IN_SPACE.exec(context.req.path)?.[1] : undefined;
    context.set('workspace', await find(context.get('principal'), space));
    await next();
  };
}

/** An id of a space needs no encoding, so one that is encoded is none. */
const IN_SPACE = /^\/(?:spaces|mcp)\/([^/]+)/;

/** @throws RequestRefusedError when the caller may only read */
export function requireAccess(context: HttpContext, needed: Access): void {
  if (needed === 'read' || context.get('workspace').access === 'write') return;
  throw new RequestRefusedError('FORBIDDEN', 'This token allows only to read', {
    fix: 'Use the token from MEMORY_HTTP_TOKEN.',
  });
}
