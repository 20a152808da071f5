import type { MiddlewareHandler } from 'hono';
import type { HttpEnvironment } from './http-environment.ts';

/**
 * Ends what would be streamed to a HEAD request: it is answered like a GET, but nobody reads the body, and what fills
 * it would wait for ever.
 */
export function endUnreadBodies(): MiddlewareHandler<HttpEnvironment> {
  return async (context, next) => {
    await next();
    if (context.req.method === 'HEAD') await context.res.body?.cancel();
  };
}
