import type { ReceivedRequest } from '../mcp/http-endpoint.ts';
import type { HttpContext, HttpEnvironment } from './http-environment.ts';

/**
 * Reads a body that is still on its way, which a guard of sizes has bounded. Routes that ask Hono for the body get it from
 * its cache; a request of the Fetch API would cost a tenth of what a search costs this thread.
 */
export async function readWholeBody({ env, req }: HttpContext): Promise<void> {
  // Without a network, as in tests, there is none.
  const { incoming } = env as Partial<HttpEnvironment['Bindings']>;
  if (incoming === undefined || incoming.complete) return;
  const isAnnounced = Number(req.header('content-length') ?? 0) > 0;
  if (isAnnounced || req.header('transfer-encoding') !== undefined) await req.arrayBuffer();
}

/** The request for who reads it without Hono. */
export function receivedRequest({ req }: HttpContext): ReceivedRequest {
  const { url, method, headers, signal } = req.raw;
  return { url, method, headers, signal, arrayBuffer: () => req.arrayBuffer() };
}
