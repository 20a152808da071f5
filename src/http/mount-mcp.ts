import type { Hono } from 'hono';
import type { McpHttpEndpoint } from '../mcp/http-endpoint.ts';
import type { HttpEnvironment } from './http-environment.ts';

/** Where clients of the older transport send their messages to. */
export const MESSAGES_PATH = '/messages';

/** Offers MCP: Streamable HTTP at `/mcp`, and the older HTTP+SSE at `/sse`. */
export function mountMcp(app: Hono<HttpEnvironment>, mcp: McpHttpEndpoint): void {
  // Clients are often given the address with a slash at its end.
  for (const slash of ['', '/']) {
    app.all(`/mcp${slash}`, (context) => mcp.handle(context.req.raw, context.get('access')));
    app.get(`/sse${slash}`, (context) => mcp.openEventStream(context.get('access')));
    app.post(MESSAGES_PATH + slash, (context) => mcp.receiveMessage(context.req.raw, context.get('access')));
  }
}
