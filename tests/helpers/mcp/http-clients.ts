/* eslint-disable @typescript-eslint/no-deprecated -- servers still meet clients of the older transport */
import {
  SSEClientTransport as SseV2,
  StreamableHTTPClientTransport as StreamableV2,
} from '@modelcontextprotocol/client';
import { SSEClientTransport as SseV1 } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport as StreamableV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  type AskUser,
  connected,
  type ConnectedClient,
  createV1,
  createV2,
  type NegotiationMode,
} from './clients.ts';

export interface HttpClientOptions {
  /** Sent as a bearer token. */
  readonly token?: string;
  /** Without it, the client cannot ask its user. */
  readonly askUser?: AskUser;
  /** Default: that of Node.js. */
  readonly fetch?: typeof fetch;
}

export interface HttpClientKind {
  readonly name: string;
  /** Keeps a session on the server, which is gone with the server. */
  readonly hasSession: boolean;
  /** A connection that ends says that the client is gone. Sessions of Streamable HTTP outlive connections. */
  readonly endsWithConnection: boolean;
  /** @param address of the server, for example `http://127.0.0.1:40123` */
  readonly connect: (address: string, options?: HttpClientOptions) => Promise<ConnectedClient>;
}

/** Every client generation a server meets: both SDKs, both transports and both protocol eras. */
export const httpClientKinds: readonly HttpClientKind[] = [
  {
    name: 'SDK v1 at /mcp',
    hasSession: true,
    endsWithConnection: false,
    connect: (address, options) => connectV1(new StreamableV1(...target(address, '/mcp', options)), options),
  },
  {
    name: 'SDK v1 at /sse',
    hasSession: true,
    endsWithConnection: true,
    connect: (address, options) => connectV1(new SseV1(...target(address, '/sse', options)), options),
  },
  {
    name: 'SDK v2, 2025 protocol, at /mcp',
    hasSession: true,
    endsWithConnection: false,
    connect: streamableV2('legacy'),
  },
  {
    name: 'SDK v2, negotiating, at /mcp',
    hasSession: false,
    endsWithConnection: true,
    connect: streamableV2('auto'),
  },
  {
    name: 'SDK v2, 2026-07-28, at /mcp',
    hasSession: false,
    endsWithConnection: true,
    connect: streamableV2({ pin: '2026-07-28' }),
  },
  {
    name: 'SDK v2 at /sse',
    hasSession: true,
    endsWithConnection: true,
    connect: (address, options) =>
      connectV2('legacy', new SseV2(...target(address, '/sse', options)), options),
  },
];

async function connectV1(
  transport: StreamableV1 | SseV1,
  { askUser }: HttpClientOptions = {},
): Promise<ConnectedClient> {
  const client = createV1(askUser);
  await client.connect(transport);
  return connected(client);
}

function streamableV2(mode: NegotiationMode): HttpClientKind['connect'] {
  return (address, options) =>
    connectV2(mode, new StreamableV2(...target(address, '/mcp', options)), options);
}

async function connectV2(
  mode: NegotiationMode,
  transport: StreamableV2 | SseV2,
  { askUser }: HttpClientOptions = {},
): Promise<ConnectedClient> {
  const client = createV2(mode, askUser);
  await client.connect(transport);
  return connected(client);
}

/** The space of a client at `/mcp/{space}`. */
export function target(
  address: string,
  path: string,
  { token, fetch: own }: HttpClientOptions = {},
): [URL, { requestInit: RequestInit; fetch?: typeof fetch }] {
  const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  return [new URL(path, address), { requestInit: { headers }, ...(own === undefined ? {} : { fetch: own }) }];
}
