import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import { RequestRefusedError } from '../../errors/input-errors.ts';
import { printable } from '../../util/text.ts';
import type { HttpContext, HttpEnvironment } from '../http-environment.ts';

/** Headers of MCP that pages of allowed origins may send and read. */
const REQUEST_HEADERS = [
  'Accept',
  'Authorization',
  'Content-Type',
  'Last-Event-ID',
  'Mcp-Method',
  'Mcp-Name',
  'Mcp-Protocol-Version',
  'Mcp-Session-Id',
  'X-API-Key',
];
const ANSWER_HEADERS = ['Mcp-Protocol-Version', 'Mcp-Session-Id', 'Retry-After', 'X-Request-Id'];
const METHODS = ['GET', 'POST', 'PATCH', 'DELETE'];

/**
 * Turns away what web pages of other origins send, except of those allowed; they get CORS headers. Runs behind the
 * host guard: the origin of this server is what its own Host header says.
 */
export function originGuard(allowedOrigins: readonly string[]): MiddlewareHandler<HttpEnvironment> {
  const answerAllowed = cors({
    origin: [...allowedOrigins],
    allowMethods: METHODS,
    allowHeaders: REQUEST_HEADERS,
    exposeHeaders: ANSWER_HEADERS,
    maxAge: 600,
  });
  return async (context, next) => {
    const origin = context.req.header('origin');
    if (origin !== undefined && allowedOrigins.includes(origin)) return answerAllowed(context, next);
    if (origin === undefined ? isForeignFetch(context) : !isOwnOrigin(context, origin)) {
      throw new RequestRefusedError(
        'ORIGIN_NOT_ALLOWED',
        `Pages of ${printable(origin?.slice(0, 100) ?? 'another site')} may not call this server`,
        { fix: 'If the page is yours, add its origin to MEMORY_HTTP_ALLOWED_ORIGINS.' },
      );
    }
    await next();
    return undefined;
  };
}

function isOwnOrigin({ req }: HttpContext, origin: string): boolean {
  const host = req.header('host')?.toLowerCase();
  if (!URL.canParse(origin)) return false;
  const url = new URL(origin);
  // Behind a proxy that ends TLS the scheme is another one.
  return url.origin === origin && /^https?:$/.test(url.protocol) && url.host === withoutUsualPort(host, url);
}

function withoutUsualPort(host: string | undefined, { protocol }: URL): string | undefined {
  return host?.replace(protocol === 'https:' ? /:443$/ : /:80$/, '');
}

/** Requests without an Origin that a page of another site made: images, scripts, frames. A link may be followed. */
function isForeignFetch({ req }: HttpContext): boolean {
  const site = req.header('sec-fetch-site');
  const foreign = site === 'cross-site' || site === 'same-site';
  const followedLink =
    req.header('sec-fetch-mode') === 'navigate' && req.header('sec-fetch-dest') === 'document';
  return foreign && !(followedLink && req.method === 'GET' && new URL(req.url).pathname === '/');
}
