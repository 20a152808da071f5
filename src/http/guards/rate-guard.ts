import { getConnInfo } from '@hono/node-server/conninfo';
import type { MiddlewareHandler } from 'hono';
import { rateLimiter } from 'hono-rate-limiter';
import { RequestRefusedError } from '../../errors/input-errors.ts';
import type { HttpContext, HttpEnvironment } from '../http-environment.ts';

const MINUTE_MS = 60_000;

/** @param limit requests a minute and client address; 0 = any number */
export function rateGuard(limit: number): MiddlewareHandler<HttpEnvironment> {
  if (limit === 0) return (_, next) => next();
  return rateLimiter<HttpEnvironment>({
    windowMs: MINUTE_MS,
    limit,
    standardHeaders: 'draft-7',
    keyGenerator: clientAddress,
    handler: (context) => {
      throw new RequestRefusedError(
        'RATE_LIMITED',
        `More than ${limit} requests a minute came from this address`,
        {
          fix: 'Wait, or raise MEMORY_HTTP_RATE_LIMIT.',
          headers: { 'Retry-After': context.res.headers.get('Retry-After') ?? '60' },
        },
      );
    },
  });
}

function clientAddress(context: HttpContext): string {
  return getConnInfo(context).remote.address ?? 'unknown';
}
