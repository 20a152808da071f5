import { isIP } from 'node:net';
import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import { SIGN_IN_PATH } from '../../auth/sign-in.ts';
import { RequestRefusedError } from '../../errors/input-errors.ts';
import { hostName } from '../../util/text.ts';
import { visibleJson, visibleLine } from '../../util/visible-text.ts';
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
const ANSWER_HEADERS = [
  'Mcp-Protocol-Version',
  'Mcp-Session-Id',
  'Retry-After',
  'WWW-Authenticate',
  'X-Request-Id',
];
const METHODS = ['GET', 'POST', 'PATCH', 'DELETE'];

/**
 * Turns away requests of web pages of other origins, except of those allowed; they get CORS headers. Runs behind the
 * host guard: its own Host header names the origin of this server.
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
        `Pages of ${visibleLine(origin?.slice(0, 100) ?? 'another site')} may not call this server`,
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
  return foreign && !(followedLink && req.method === 'GET' && isEntrance(new URL(req.url).pathname));
}

/** A client sends its user to sign in by a link. */
function isEntrance(path: string): boolean {
  return path === '/' || path.startsWith(`${SIGN_IN_PATH}/`);
}

export interface HostRules {
  /** The address that the server listens at. */
  readonly host: string;
  readonly allowedHosts: readonly string[];
}

/**
 * Lets in only requests that call the server by a name of its own, so that no page can reach it by a name that it
 * points here (DNS rebinding). Numeric addresses are no names: no page can make them its own origin, so a server of
 * the network answers to them.
 */
export function hostGuard(rules: HostRules): MiddlewareHandler<HttpEnvironment> {
  const allows = hostRule(rules);
  return async (context, next) => {
    const header = context.req.header('host') ?? '';
    const name = hostName(header);
    if (name === undefined || !allows(name)) {
      throw new RequestRefusedError(
        'HOST_NOT_ALLOWED',
        `This server does not go by the name ${visibleJson((name ?? header).slice(0, 100))}`,
        { fix: 'Call it by its own name, or add this one to MEMORY_HTTP_ALLOWED_HOSTS.' },
      );
    }
    await next();
  };
}

function hostRule({ host, allowedHosts }: HostRules): (name: string) => boolean {
  const names = new Set([...allowedHosts, host.toLowerCase()]);
  const numeric = isLoopback(host) ? isLoopback : (name: string) => isIP(name) !== 0 || isLoopback(name);
  return (name) => names.has(name) || numeric(name);
}

const LOOPBACK_NAMES: readonly string[] = ['localhost', 'ip6-localhost'];

/** True for this machine itself. */
export function isLoopback(host: string): boolean {
  const name = withoutBrackets(host.toLowerCase());
  return LOOPBACK_NAMES.includes(name) || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}

/** For an address: IPv6 in brackets. */
export function inAddress(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}
