import { Hono, type MiddlewareHandler } from 'hono';
import { requestId } from 'hono/request-id';
import { secureHeaders } from 'hono/secure-headers';
import { isUnexpected } from '../api/errors.ts';
import type { ServerParts, Services } from '../api/services.ts';
import type { Authenticator } from '../auth/principal.ts';
import type { ProtectedResource } from '../auth/protected-resource.ts';
import { isProtocolPath, PAGE_CLIENT, type SignInServer } from '../auth/sign-in.ts';
import { RequestRefusedError } from '../errors/input-errors.ts';
import type { Logger } from '../logger.ts';
import type { McpHttpEndpoint } from '../mcp/http-endpoint.ts';
import type { PeopleService } from '../people/people-service.ts';
import { packageVersion } from '../util/package.ts';
import { Admission, admissionGuard } from './guards/admission.ts';
import { hostGuard, originGuard } from './guards/host-and-origin-guard.ts';
import { bodyGuard, endUnreadBodies, isImport, rateGuard } from './guards/limit-guards.ts';
import {
  METRICS_PATH,
  oneWorkspace,
  serverTokens,
  tokenGuard,
  type WorkspaceFinder,
  workspaceGuard,
} from './guards/token-guard.ts';
import type { HttpContext, HttpEnvironment, HttpSettings } from './http-environment.ts';
import { mountHealth } from './health.ts';
import { Metrics, requestLog, requestSpans } from './metrics.ts';
import { mountRoute, REST_OF_PATH } from './mount-route.ts';
import { openApiDocument } from './openapi.ts';
import { answerProblem } from './problem.ts';
import type { Route } from './route.ts';
import { backupRoutes } from './routes/backup-routes.ts';
import { conversationRoutes } from './routes/conversation-routes.ts';
import { memoryRoutes } from './routes/memory-routes.ts';
import { search, searchRoutes, statsRoute } from './routes/search-routes.ts';
import { spaceRoutes } from './routes/space-routes.ts';
import { syncRoutes } from './routes/sync-routes.ts';
import { mountSignIn } from './routes/sign-in-routes.ts';
import { acceptInvitation, type TeamCall, teamRoutes } from './routes/team-routes.ts';
import { mountTransferRoutes } from './routes/transfer-routes.ts';
import { mountMcp, mountUiFiles, type PageFacts } from './server-paths.ts';

/** The parts of a server of a team; absent = one store for everybody. */
export interface TeamParts {
  readonly find: WorkspaceFinder;
  readonly people: PeopleService;
}

/** How clients and people sign in. */
export interface SignInParts {
  readonly resource: ProtectedResource;
  /** Undefined = another program is the authorization server. */
  readonly server: SignInServer | undefined;
  /** Name of the web page at the other program, if it knows the page. */
  readonly pageClient?: string | undefined;
}

export interface AppParts extends ServerParts {
  readonly settings: HttpSettings;
  /** Asked behind the shared tokens of the settings. With any, no caller is let in without a credential. */
  readonly authenticators?: readonly Authenticator[];
  /** Absent = no OAuth. */
  readonly signIn?: SignInParts | undefined;
  readonly spaces?: TeamParts | undefined;
  readonly mcp: McpHttpEndpoint;
  readonly isStopping: () => boolean;
}

type HttpApp = Hono<HttpEnvironment>;

/** Everything the server answers. Requests pass its parts in this order: guards, open routes, token, the rest. */
export function buildApp(parts: AppParts): HttpApp {
  const app: HttpApp = new Hono();
  const { settings, isStopping } = parts;
  const onOverload = (): void => {
    parts.logger.warn('requests are refused, because more come than can be answered soon');
  };
  const admission = new Admission({ ...settings, onOverload });
  const metrics = new Metrics(parts.open, { admission, hasSpaces: parts.spaces !== undefined });
  app.use(requestId(), requestLog(parts.logger), metrics.observe(), endUnreadBodies());
  if (parts.tracer !== undefined) app.use(requestSpans(parts.tracer));
  app.onError((error, context) => {
    const answer = answerProblem(context, error);
    const isGone = context.req.raw.signal.aborted;
    if (answer.status >= 500 && !isGone && !isRefusedUnread(error)) logFailure(context.get('logger'), error);
    return answer;
  });
  app.use(keepPageHeaders, closingConnections(isStopping));
  mountGuards(app, settings, providerOf(parts));
  mountUiFiles(app, pageFacts(parts));
  const authenticators = [...serverTokens(settings), ...(parts.authenticators ?? [])];
  const hasPeople = parts.spaces !== undefined;
  mountHealth(app, { open: parts.open, isStopping, authenticators, hasPeople, admission });
  if (parts.signIn !== undefined) mountSignIn(app, parts.signIn);
  mountMemories(app, { ...parts, authenticators, admission });
  app.get(METRICS_PATH, async (context) => {
    const { body, contentType } = await metrics.text();
    return context.body(body, 200, { 'Content-Type': contentType });
  });
  app.notFound((context) => answerProblem(context, noSuchRoute(app, context.req)));
  return app;
}

/** Undefined for one store without sign-in, whose page needs nothing of it. */
function pageFacts({ spaces, signIn }: AppParts): PageFacts | undefined {
  if (spaces === undefined && signIn === undefined) return undefined;
  if (signIn === undefined) return { team: true };
  const { resource, server, pageClient } = signIn;
  const [issuer = ''] = resource.authorizationServers;
  const clientId = server === undefined ? pageClient : PAGE_CLIENT;
  const known = clientId === undefined ? {} : { clientId };
  return { team: spaces !== undefined, signIn: { publicUrl: resource.publicUrl, issuer, ...known } };
}

/** The routes of a server with people and spaces only; the search takes the place of the usual one. */
export const teamOnlyRoutes = [...teamRoutes, ...spaceRoutes, acceptInvitation] as const;

interface MountedParts extends AppParts {
  /** Those of the shared tokens too. */
  readonly authenticators: readonly Authenticator[];
  readonly admission: Admission;
}

/** MCP and the REST API, and both for each space where there are spaces. */
function mountMemories(app: HttpApp, { mcp, spaces, signIn, ...parts }: MountedParts): void {
  const find = spaces?.find ?? oneWorkspace(parts);
  const own = { open: openOf, prepare: prepareOf };
  if (spaces !== undefined)
    mountRoute(app, acceptInvitation, { open: (context) => Promise.resolve(teamCall(context, spaces)) });
  app.use(tokenGuard(parts.authenticators, signIn?.resource), admissionGuard(parts.admission));
  app.use(workspaceGuard(find, spaces !== undefined));
  mountMcp(app, mcp, spaces !== undefined);
  if (spaces !== undefined) {
    const surroundings = { open: (context: HttpContext) => Promise.resolve(teamCall(context, spaces)) };
    for (const route of [...teamRoutes, ...spaceRoutes]) mountRoute(app, route, surroundings);
    for (const route of allRoutes) mountRoute(app, route, { ...own, prefix: SPACE_PREFIX });
    mountTransferRoutes(app, openOf, SPACE_PREFIX);
  }
  const plain = spaces === undefined ? allRoutes : allRoutes.filter((route) => route !== search);
  for (const route of plain) mountRoute(app, route, own);
  mountTransferRoutes(app, openOf);
  const team = spaces === undefined ? [] : teamOnlyRoutes;
  app.get('/openapi.json', (context) => context.json(openApiDocument([...plain, ...team], packageVersion())));
}

const SPACE_PREFIX = '/spaces/:space';

function openOf(context: HttpContext): Promise<Services> {
  return context.get('workspace').parts.open();
}

function prepareOf(context: HttpContext): void {
  context.get('workspace').parts.prepare?.();
}

function teamCall(context: HttpContext, { people, find }: TeamParts): TeamCall {
  const caller = context.get('principal');
  return { people, caller, find: (space) => find(caller, space) };
}

/** It would take longer to log than to refuse; the admission tells of them together. */
function isRefusedUnread(error: unknown): boolean {
  return error instanceof RequestRefusedError && error.code === 'OVERLOADED';
}

function logFailure(logger: Logger, error: unknown): void {
  if (isUnexpected(error)) logger.error('a request failed', {}, error);
  else logger.warn('a request could not be answered', {}, error);
}

/** Imports stream, so they may be larger. */
const IMPORT_FACTOR = 64;

/** Where the page asks for tokens, besides this server. */
function providerOf({ signIn }: AppParts): readonly string[] {
  if (signIn?.pageClient === undefined) return [];
  return signIn.resource.authorizationServers.map((issuer) => new URL(issuer).origin);
}

function mountGuards(app: HttpApp, settings: HttpSettings, provider: readonly string[]): void {
  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        connectSrc: ["'self'", ...provider],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
      },
      crossOriginResourcePolicy: settings.allowedOrigins.length === 0 ? 'same-origin' : 'cross-origin',
      referrerPolicy: 'no-referrer',
      xFrameOptions: 'DENY',
      // It would count for all other servers of the same machine too, which may have no TLS.
      strictTransportSecurity: false,
    }),
  );
  app.use(neverCached);
  app.use(
    hostGuard(settings),
    unlessProbed(rateGuard(settings.rateLimit)),
    originGuard(settings.allowedOrigins),
  );
  const { bodyLimit } = settings;
  app.use(
    bodyGuard((path) => {
      // The authorization server reads bodies itself, up to 56 KiB.
      if (isProtocolPath(path)) return Infinity;
      return isImport(path) ? bodyLimit * IMPORT_FACTOR : bodyLimit;
    }),
  );
}

/** A load balancer would take the server for a dead one. */
function unlessProbed(guard: MiddlewareHandler<HttpEnvironment>): MiddlewareHandler<HttpEnvironment> {
  return (context, next) => (PROBES.has(context.req.path) ? next() : guard(context, next));
}

const PROBES: ReadonlySet<string> = new Set(['/health/live', '/health/ready']);

const keepPageHeaders: MiddlewareHandler<HttpEnvironment> = async (context, next) => {
  await next();
  for (const [name, value] of Object.entries(context.get('pageHeaders') ?? {})) {
    context.res.headers.set(name, value);
  }
};

/** A load balancer that keeps connections shall not send one more request when this server closes them. */
function closingConnections(isStopping: () => boolean): MiddlewareHandler<HttpEnvironment> {
  return async (context, next) => {
    await next();
    if (isStopping()) context.res.headers.set('Connection', 'close');
  };
}

/** Memories stay out of the caches on the way, and of the browser's on the disk. */
const neverCached: MiddlewareHandler<HttpEnvironment> = async (context, next) => {
  await next();
  const { headers } = context.res;
  if (!headers.has('Cache-Control')) headers.set('Cache-Control', 'no-store');
};

/** Tells a wrong path from a wrong method. */
function noSuchRoute(app: HttpApp, { method, path }: { method: string; path: string }): RequestRefusedError {
  const possible = app.routes.filter((route) => route.method !== 'ALL' && matches(route.path, path));
  // `/memory/add` is its own path, although it looks like `/memory/:id` too.
  const exact = possible.filter((route) => route.path === path);
  const methods = (exact.length > 0 ? exact : possible).map((route) => route.method);
  if (methods.length === 0) {
    return new RequestRefusedError('NO_SUCH_ROUTE', 'There is nothing at this path', {
      fix: 'GET /openapi.json lists what there is.',
    });
  }
  const allow = [...new Set(methods)].join(', ');
  return new RequestRefusedError('METHOD_NOT_ALLOWED', `${method} is not possible here`, {
    fix: `Use ${allow}.`,
    headers: { Allow: allow },
  });
}

function matches(pattern: string, path: string): boolean {
  const parts = pattern.split('/');
  const given = path.split('/');
  return (
    (parts.length === given.length || (pattern.endsWith(REST_OF_PATH) && parts.length < given.length)) &&
    parts.every((part, index) => (part.startsWith(':') ? given[index] !== '' : part === given[index]))
  );
}

/** The REST API; the OpenAPI document is made of the same list. Paths of words come before those with parameters. */
export const allRoutes: readonly Route[] = [
  ...searchRoutes,
  ...memoryRoutes,
  ...conversationRoutes,
  statsRoute,
  ...backupRoutes,
  ...syncRoutes,
];
