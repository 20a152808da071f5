import { type Principal, type Scope, SERVER_PERSON } from '../../auth/principal.ts';
import { challengeOf } from '../../auth/protected-resource.ts';
import { RequestRefusedError } from '../../errors/input-errors.ts';
import type { HttpContext } from '../http-environment.ts';

/** A request without a credential that counts, as RFC 6750 and RFC 9728 answer it. */
export function unauthorized(
  context: HttpContext,
  problem: string,
  error?: 'invalid_token',
): RequestRefusedError {
  const resource = context.get('resource');
  const fix =
    resource === undefined
      ? 'Send "Authorization: Bearer <token>" with the token from MEMORY_HTTP_TOKEN.'
      : 'Sign in with a client that knows OAuth, or send "Authorization: Bearer <token>".';
  const reason = error === undefined ? {} : { error, description: problem };
  return new RequestRefusedError('UNAUTHORIZED', problem, {
    fix,
    headers: { 'WWW-Authenticate': challengeOf(resource, context.req.path, reason) },
  });
}

/** The same answer, with the challenge when an authenticator refuses the credential. */
export async function withChallenge<Result>(context: HttpContext, answer: Promise<Result>): Promise<Result> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof RequestRefusedError) || error.code !== 'UNAUTHORIZED') throw error;
    throw unauthorized(context, error.message, 'invalid_token');
  }
}

/**
 * For a caller who can get a wider scope by signing in again, as MCP clients do by themselves. For others the role in the
 * space, or the token of the server, decides.
 * @throws RequestRefusedError (`FORBIDDEN`), with the challenge of RFC 6750
 */
export function requireScope(context: HttpContext, needed: Scope): void {
  const principal = context.get('principal');
  if (principal.scopes.has(needed) || !canSignIn(context, principal)) return;
  throw insufficientScope(context, principal, needed);
}

/** A shared token has no scope that could be widened. */
function canSignIn(context: HttpContext, { person }: Principal): boolean {
  return context.get('resource') !== undefined && person !== SERVER_PERSON;
}

/** A caller whose credential allows less than the request needs. */
export function insufficientScope(
  context: HttpContext,
  principal: Principal,
  needed: Scope,
): RequestRefusedError {
  if (!canSignIn(context, principal)) {
    return new RequestRefusedError('FORBIDDEN', 'This token allows only to read', {
      fix: 'Use the token from MEMORY_HTTP_TOKEN.',
    });
  }
  const description = `This needs the scope ${needed}`;
  const scopes: Scope[] = needed === 'memory:read' ? [needed] : ['memory:read', needed];
  const challenge = challengeOf(context.get('resource'), context.req.path, {
    error: 'insufficient_scope',
    description,
    scopes,
  });
  return new RequestRefusedError('FORBIDDEN', description, {
    fix: 'Sign in again and allow it, or ask the operator of the server for the right.',
    headers: { 'WWW-Authenticate': challenge },
  });
}
