import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Hono } from 'hono';
import type { McpHttpEndpoint } from '../mcp/http-endpoint.ts';
import type { HttpEnvironment } from './http-environment.ts';

/** Where clients of the older transport send their messages to. */
export const MESSAGES_PATH = '/messages';

/** Offers MCP: Streamable HTTP at `/mcp`, and the older HTTP+SSE at `/sse`. */
export function mountMcp(app: Hono<HttpEnvironment>, mcp: McpHttpEndpoint): void {
  app.all('/mcp', (context) => mcp.handle(context.req.raw, context.get('access')));
  app.get('/sse', async (context) => {
    const { outgoing } = context.env;
    // The transport of the SDK writes to the response of Node itself.
    context.res.headers.forEach((value, name) => outgoing.setHeader(name, value));
    await mcp.openEventStream(outgoing, context.get('access'));
    return RESPONSE_ALREADY_SENT;
  });
  app.post(MESSAGES_PATH, async (context) => {
    const { incoming, outgoing } = context.env;
    context.res.headers.forEach((value, name) => outgoing.setHeader(name, value));
    const message = { sessionId: context.req.query('sessionId') ?? '', access: context.get('access') };
    await mcp.receiveMessage(incoming, outgoing, message);
    return RESPONSE_ALREADY_SENT;
  });
}
