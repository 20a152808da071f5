import type { MiddlewareHandler } from 'hono';
import type { Logger } from '../logger.ts';
import type { HttpEnvironment } from './http-environment.ts';
import { routeOf } from './route-of.ts';

/**
 * Writes one entry for each request, when its answer begins. Only the route, never the path or the query: they can
 * hold what a user wrote.
 */
export function requestLog(logger: Logger): MiddlewareHandler<HttpEnvironment> {
  return async (context, next) => {
    const request = context.get('requestId');
    const own = logger.child({ request });
    context.set('logger', own);
    const start = performance.now();
    await next();
    // Answers of MCP are not made by Hono, which adds it to its own.
    context.res.headers.set('X-Request-Id', request);
    const { status } = context.res;
    const fields = {
      method: context.req.method,
      route: routeOf(context),
      status,
      ms: Math.round(performance.now() - start),
    };
    own.info('a request was answered', fields);
  };
}
