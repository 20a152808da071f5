import { timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import type { Access, ServerParts, Workspace } from '../../api/services.ts';
import { type Authenticator, type Principal, SERVER_PERSON, withIncluded } from '../../auth/principal.ts';
import type { ProtectedResource } from '../../auth/protected-resource.ts';
import { RequestRefusedError } from '../../errors/input-errors.ts';
import { secretDigest, type SecretString } from '../../util/secret-string.ts';
import type { HttpContext, HttpEnvironment } from '../http-environment.ts';
import { insufficientScope, unauthorized, withChallenge } from './refusals.ts';

export interface Tokens {
  readonly token: SecretString | undefined;
  readonly readToken: SecretString | undefined;
}

/** Longer credentials are refused unread. */
const LONGEST_CREDENTIAL = 16_384;

/**
 * Finds the caller by the credential of the request.
 * @param authenticators asked in this order; without any, every caller may do everything
 * @param resource tells OAuth clients where to sign in
 */
export function tokenGuard(
  authenticators: readonly Authenticator[],
  resource?: ProtectedResource,
): MiddlewareHandler<HttpEnvironment> {
  return async (context, next) => {
    context.set('resource', resource);
    const principal =
      authenticators.length === 0 ? serverPrincipal('write') : await authenticate(context, authenticators);
    if (!principal.scopes.has('memory:read')) throw insufficientScope(context, principal, 'memory:read');
    context.set('principal', principal);
    await next();
  };
}

/** The token of a request, unchecked. */
export function givenCredential({ req }: HttpContext): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(req.header('authorization') ?? '')?.[1] ?? req.header('x-api-key');
}

async function authenticate(
  context: HttpContext,
  authenticators: readonly Authenticator[],
): Promise<Principal> {
  const given = givenCredential(context);
  if (given === undefined) throw unauthorized(context, 'The request has no token');
  const principal = await withChallenge(context, knownBy(authenticators, given));
  if (principal === null)
    throw unauthorized(context, 'The token is not the one of this server', 'invalid_token');
  return principal;
}

/** @returns null for a credential that none of them knows */
export async function knownBy(
  authenticators: readonly Authenticator[],
  given: string,
): Promise<Principal | null> {
  if (given.length > LONGEST_CREDENTIAL) return null;
  for (const authenticator of authenticators) {
    const principal = await authenticator.authenticate(given);
    if (principal !== null) return principal;
  }
  return null;
}

/** The shared tokens of a server; none when it has none. */
export function serverTokens({ token, readToken }: Tokens): Authenticator[] {
  const known = [
    ...(token === undefined ? [] : [{ digest: secretDigest(token.reveal()), access: 'write' as const }]),
    ...(readToken === undefined
      ? []
      : [{ digest: secretDigest(readToken.reveal()), access: 'read' as const }]),
  ];
  if (known.length === 0) return [];
  return [
    {
      authenticate(credential) {
        // Digests have one length, so the comparison takes the same time for every wrong token.
        const digest = secretDigest(credential);
        const [match] = known.filter((one) => timingSafeEqual(one.digest, digest));
        return Promise.resolve(match === undefined ? null : serverPrincipal(match.access));
      },
    },
  ];
}

function serverPrincipal(access: Access): Principal {
  const scopes = withIncluded([access === 'read' ? 'memory:read' : 'memory:admin']);
  return { person: SERVER_PERSON, name: SERVER_PERSON, scopes, groups: [] };
}

/**
 * Finds the memories that a request is about.
 * @param space in the path; undefined = the caller's own
 * @throws RequestRefusedError when the caller has no right there
 */
export type WorkspaceFinder = (caller: Principal, space: string | undefined) => Promise<Workspace>;

/** One store for all callers. */
export function oneWorkspace(parts: ServerParts): WorkspaceFinder {
  return (caller) => {
    const access = accessOf(caller);
    // A session of MCP belongs to the person who began it.
    return Promise.resolve({ parts, access, key: JSON.stringify([caller.person, access]) });
  };
}

/** Puts the workspace of a request into its context. @param hasSpaces the path may name a space */
export function workspaceGuard(
  find: WorkspaceFinder,
  hasSpaces: boolean,
): MiddlewareHandler<HttpEnvironment> {
  return async (context, next) => {
    const { path } = context.req;
    const named = path === METRICS_PATH ? 'default' : IN_SPACE.exec(path)?.[1];
    const space = hasSpaces ? named : undefined;
    context.set('workspace', await find(context.get('principal'), space));
    await next();
  };
}

/** An id of a space needs no encoding, so one that is encoded is none. */
const IN_SPACE = /^\/(?:spaces|mcp|sse|messages)\/([^/]+)/;

/** They count the memories of the data folder itself, which is the space `default`. */
export const METRICS_PATH = '/metrics';

/** @throws RequestRefusedError when the caller may only read */
export function requireAccess(context: HttpContext, needed: Access): void {
  if (needed === 'read') return;
  const { access, noteRefusal } = context.get('workspace');
  if (access === 'write') return;
  noteRefusal?.();
  const principal = context.get('principal');
  if (accessOf(principal) === 'write') {
    throw new RequestRefusedError('FORBIDDEN', 'You may only read in this space', {
      fix: 'Ask an owner of the space for the role writer.',
    });
  }
  throw insufficientScope(context, principal, 'memory:write');
}

/** The widest access of a caller with these scopes. */
function accessOf({ scopes }: Principal): Access {
  return scopes.has('memory:write') ? 'write' : 'read';
}
