import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Hono } from 'hono';
import type { OpenServices } from '../api/services.ts';
import type { McpHttpEndpoint } from '../mcp/http-endpoint.ts';
import { settleWithin } from '../util/concurrency.ts';
import { packagePath } from '../util/package.ts';
import { requireScope } from './guards/refusals.ts';
import type { HttpEnvironment } from './http-environment.ts';

type Node = Readonly<Record<string, unknown>>;

const problem: Node = { $ref: '#/components/responses/Problem' };

const flagObject = (name: string): Node => ({
  type: 'object',
  properties: { [name]: { type: 'boolean' } },
  required: [name],
});

function serverPath(operationId: string, summary: string, responses: Node): Node {
  return {
    get: {
      operationId,
      tags: ['Server'],
      summary,
      security: [{}],
      responses: { ...responses, 403: problem, 429: problem },
    },
  };
}

function json(description: string, schema: Node): Node {
  return { description, content: { 'application/json': { schema } } };
}

/** Health and metrics, as the OpenAPI document has them. */
export const serverPaths: Node = {
  '/health': serverPath('health', 'Whether the server lives, and is ready', {
    200: json('It lives', {
      type: 'object',
      properties: {
        status: { enum: ['ok', 'unavailable'] },
        live: { type: 'boolean' },
        ready: { type: 'boolean' },
      },
      required: ['status', 'live', 'ready'],
    }),
  }),
  '/health/live': serverPath('live', 'Answers while the process lives', {
    200: json('It lives', flagObject('live')),
  }),
  '/health/ready': serverPath('ready', 'Whether the memories can be used', {
    200: json('Ready', flagObject('ready')),
    503: json('Not ready: starting, stopping, or the store cannot be opened', flagObject('ready')),
  }),
  '/metrics': {
    get: {
      operationId: 'metrics',
      tags: ['Server'],
      summary: 'Metrics in the text format of Prometheus',
      responses: {
        200: { description: 'Metrics', content: { 'text/plain': { schema: { type: 'string' } } } },
        401: problem,
        403: problem,
        429: problem,
      },
    },
  },
};

/** How long the store may take to answer. */
const LIMIT_MS = 2_000;

export interface HealthParts {
  readonly open: OpenServices;
  /** True from the moment that the server was asked to stop. */
  readonly isStopping: () => boolean;
}

/**
 * `/health/live`: the process answers; restart it when it does not. `/health/ready`: the memories can be used; send no
 * requests while it says 503. `/health`: both in one answer. They need no token, so they tell nothing else.
 */
export function mountHealth(app: Hono<HttpEnvironment>, parts: HealthParts): void {
  app.get('/health/live', (context) => context.json({ live: true }));
  app.get('/health/ready', async (context) => {
    const ready = await isReady(parts);
    return context.json({ ready }, ready ? 200 : 503);
  });
  app.get('/health', async (context) => {
    const ready = await isReady(parts);
    return context.json({ status: ready ? 'ok' : 'unavailable', live: true, ready });
  });
}

async function isReady({ open, isStopping }: HealthParts): Promise<boolean> {
  if (isStopping()) return false;
  try {
    const probe = open().then(({ memory }) => memory.list({ limit: 1 }));
    return (await settleWithin(probe, LIMIT_MS)) !== undefined;
  } catch {
    return false;
  }
}

/** Where clients of the older transport send their messages to. */
const MESSAGES_PATH = '/messages';

/**
 * Offers MCP: Streamable HTTP at `/mcp`, and the older HTTP+SSE at `/sse`.
 * @param hasSpaces offers `/mcp/{space}` and `/sse/{space}` too
 */
export function mountMcp(app: Hono<HttpEnvironment>, mcp: McpHttpEndpoint, hasSpaces = false): void {
  // Clients are often given the address with a slash at its end.
  for (const slash of ['', '/']) {
    for (const space of hasSpaces ? ['', '/:space'] : ['']) {
      app.all(`/mcp${space}${slash}`, (context) =>
        mcp.handle(context.req.raw, context.get('workspace'), () => {
          requireScope(context, 'memory:write');
        }),
      );
      app.get(`/sse${space}${slash}`, (context) => {
        const named = context.req.param('space');
        const messagesPath = named === undefined ? MESSAGES_PATH : `${MESSAGES_PATH}/${named}`;
        return mcp.openEventStream(context.get('workspace'), messagesPath);
      });
      app.post(MESSAGES_PATH + space + slash, (context) =>
        mcp.receiveMessage(context.req.raw, context.get('workspace')),
      );
    }
  }
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** What the page must know before it asks the server anything. */
export interface PageFacts {
  /** There are people and spaces. */
  readonly team: boolean;
  /** Absent = with a token only. */
  readonly signIn?: PageSignIn;
}

/** How people sign in on the page. */
export interface PageSignIn {
  /** Where the page is opened for it, without a path. */
  readonly publicUrl: string;
  /** The authorization server. */
  readonly issuer: string;
  /** Of the page at the authorization server; absent = the page is no client there. */
  readonly clientId?: string;
}

function withFacts(page: Buffer, facts: PageFacts): Buffer<ArrayBuffer> {
  const text = JSON.stringify(facts).replaceAll(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`);
  return Buffer.from(
    page.toString().replace('</head>', () => `  <meta name="server" content="${text}" />\n  </head>`),
  );
}

/** The files of the web page, which hold no secret: `/` and `/ui/<file>`. Read and compressed once, for there are few. */
export function mountUiFiles(app: Hono<HttpEnvironment>, facts?: PageFacts): void {
  const folder = packagePath('dist', 'ui');
  for (const name of readdirSync(folder)) {
    const file: Buffer<ArrayBuffer> = readFileSync(packagePath('dist', 'ui', name));
    const content = name === 'index.html' && facts !== undefined ? withFacts(file, facts) : file;
    const compressed = gzipSync(content);
    // Weak, because both forms have the same one.
    const etag = `W/"${createHash('sha256').update(content).digest('base64url')}"`;
    const headers = {
      'Content-Type': TYPES[extname(name)] ?? 'application/octet-stream',
      ETag: etag,
      // The page of a new version must not run with the script of an old one.
      'Cache-Control': 'no-cache',
      Vary: 'Accept-Encoding',
    };
    app.get(name === 'index.html' ? '/' : `/ui/${name}`, (context) => {
      if (context.req.header('if-none-match') === etag) return context.body(null, 304, headers);
      return takesGzip(context.req.header('accept-encoding'))
        ? context.body(compressed, 200, { ...headers, 'Content-Encoding': 'gzip' })
        : context.body(content, 200, headers);
    });
  }
}

/** Without a weight; browsers give none. */
function takesGzip(header = ''): boolean {
  return header.split(',').some((part) => part.trim().toLowerCase() === 'gzip');
}
