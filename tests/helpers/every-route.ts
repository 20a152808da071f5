import { httpClient } from './http-client.ts';
import type { RawRequest } from './raw-request.ts';

export interface KnownRoute extends RawRequest {
  /** Open = needs no token. */
  readonly needs: 'nothing' | 'read' | 'write';
}

const OPEN: readonly string[] = ['/health', '/health/live', '/health/ready'];
/** POST that changes nothing. */
const READING: readonly string[] = ['/search', '/memory/is-novel'];

/** One request to each route of a server: those of its OpenAPI document, and those that it does not describe. */
export async function everyRoute(
  address: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<KnownRoute[]> {
  const { data } = await httpClient(address, headers).get('/openapi.json');
  const described = Object.entries(data['paths'] as Record<string, object>).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => describedRoute(method.toUpperCase(), path)),
  );
  return [...described, ...OTHERS];
}

function describedRoute(method: string, path: string): KnownRoute {
  const changes = method !== 'GET' && !READING.includes(path);
  return {
    method,
    path: path.replaceAll(/\{\w+\}/g, 'some-name'),
    ...(method === 'GET' ? {} : { headers: { 'Content-Type': 'application/json' }, body: '{}' }),
    needs: OPEN.includes(path) ? 'nothing' : changes ? 'write' : 'read',
  };
}

const PING = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });
const MCP_HEADERS = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' };

const OTHERS: readonly KnownRoute[] = [
  { method: 'GET', path: '/', needs: 'nothing' },
  { method: 'GET', path: '/ui/app.js', needs: 'nothing' },
  { method: 'GET', path: '/openapi.json', needs: 'read' },
  { method: 'GET', path: '/no/such/path', needs: 'read' },
  { method: 'POST', path: '/mcp', headers: MCP_HEADERS, body: PING, needs: 'read' },
  { method: 'DELETE', path: '/mcp', needs: 'read' },
  { method: 'POST', path: '/messages?sessionId=some-id', headers: MCP_HEADERS, body: PING, needs: 'read' },
  // Last, for its answer has no end.
  { method: 'GET', path: '/sse', needs: 'read' },
];
