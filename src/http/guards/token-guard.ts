import { createHash, timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { RequestRefusedError } from '../../errors/input-errors.ts';
import type { SecretString } from '../../util/secret-string.ts';
import type { HttpContext, HttpEnvironment } from '../http-environment.ts';
import type { Access } from '../../api/services.ts';

export interface Tokens {
  readonly token: SecretString | undefined;
  readonly readToken: SecretString | undefined;
}

/** Finds the right of the caller. Without tokens every caller may write. */
export function tokenGuard({ token, readToken }: Tokens): MiddlewareHandler<HttpEnvironment> {
  const known = [
    ...(token === undefined ? [] : [{ digest: digestOf(token.reveal()), access: 'write' as const }]),
    ...(readToken === undefined ? [] : [{ digest: digestOf(readToken.reveal()), access: 'read' as const }]),
  ];
  return async (context, next) => {
    context.set('access', known.length === 0 ? 'write' : accessOf(context, known));
    await next();
  };
}

interface KnownToken {
  readonly digest: Buffer;
  readonly access: Access;
}

function accessOf({ req }: HttpContext, known: readonly KnownToken[]): Access {
  const given = /^Bearer +(\S+) *$/i.exec(req.header('authorization') ?? '')?.[1] ?? req.header('x-api-key');
  // Digests have one length, so the comparison takes the same time for every wrong token.
  const digest = digestOf(given ?? '');
  const matches = known.filter((token) => timingSafeEqual(token.digest, digest));
  const [match] = matches;
  if (match !== undefined) return match.access;
  const problem =
    given === undefined ? 'The request has no token' : 'The token is not the one of this server';
  throw new RequestRefusedError('UNAUTHORIZED', problem, {
    fix: 'Send "Authorization: Bearer <token>" with the token from MEMORY_HTTP_TOKEN.',
    headers: { 'WWW-Authenticate': 'Bearer realm="faiss-memory"' },
  });
}

function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** @throws RequestRefusedError when the caller may only read */
export function requireAccess(context: HttpContext, needed: Access): void {
  if (needed === 'read' || context.get('access') === 'write') return;
  throw new RequestRefusedError('FORBIDDEN', 'This token allows only to read', {
    fix: 'Use the token from MEMORY_HTTP_TOKEN.',
  });
}
