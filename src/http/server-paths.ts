import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Hono } from 'hono';
import type { McpHttpEndpoint } from '../mcp/http-endpoint.ts';
import { packagePath } from '../util/package.ts';
import { requireScope } from './guards/refusals.ts';
import type { HttpEnvironment } from './http-environment.ts';
import { receivedRequest } from './whole-body.ts';

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
        mcp.handle(receivedRequest(context), context.get('workspace'), () => {
          requireScope(context, 'memory:write');
        }),
      );
      app.get(`/sse${space}${slash}`, (context) => {
        const named = context.req.param('space');
        const messagesPath = named === undefined ? MESSAGES_PATH : `${MESSAGES_PATH}/${named}`;
        return mcp.openEventStream(context.get('workspace'), messagesPath);
      });
      app.post(MESSAGES_PATH + space + slash, (context) =>
        mcp.receiveMessage(receivedRequest(context), context.get('workspace')),
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

/** The facts that the page must know before it asks the server anything. */
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
