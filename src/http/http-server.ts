import {
  createServer as createPlainServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { getRequestListener } from '@hono/node-server';
import { ConfigurationError } from '../errors/input-errors.ts';
import { type McpHttpEndpoint, memoryEndpoint } from '../mcp/http-endpoint.ts';
import { settleWithin } from '../util/concurrency.ts';
import { type AppParts, buildApp } from './build-app.ts';
import { inAddress, isLoopback } from './guards/host-and-origin-guard.ts';
import type { HttpSettings } from './http-environment.ts';

/** A request must have arrived whole by then; an import is read as fast as the store takes it. */
const REQUEST_LIMIT_MS = 3_600_000;
const HEADERS_LIMIT_MS = 15_000;
const CHECK_EVERY_MS = 3_000;

export interface HttpServer {
  /** For example `http://127.0.0.1:8765`. */
  readonly address: string;
  /** From now on it says that it is not ready, and closes each connection after its answer. */
  drain(): void;
  /**
   * Takes no new requests, ends streams that have no end of their own, lets the others finish for at most
   * `limitMs`, then closes every connection. Idempotent.
   */
  close(limitMs: number): Promise<void>;
}

/**
 * Serves MCP, the REST API and the web page.
 * @throws ConfigurationError when the address cannot be used, or others could reach it without a token
 */
export async function startHttpServer(parts: Omit<AppParts, 'mcp' | 'isStopping'>): Promise<HttpServer> {
  const { settings, logger, tracer, authenticators = [] } = parts;
  if (authenticators.length === 0) requireTokenForOthers(settings);
  const mcp = memoryEndpoint({ bodyLimit: settings.bodyLimit, logger, tracer });
  let stopping = false;
  const app = buildApp({ ...parts, mcp, isStopping: () => stopping });
  const server = createNodeServer(settings, getRequestListener(app.fetch));
  const connections = new ConnectionUse(server);
  await listen(server, settings);
  let closing: Promise<void> | undefined;
  return {
    address: addressOf(server, settings),
    drain: () => {
      stopping = true;
    },
    close: (limitMs) => {
      stopping = true;
      return (closing ??= closeServer({ server, connections, mcp }, limitMs));
    },
  };
}

function requireTokenForOthers({ host, token }: HttpSettings): void {
  if (isLoopback(host) || token !== undefined) return;
  throw new ConfigurationError([
    {
      key: 'http.token',
      problem: `is missing, and everybody who can reach ${host} could read and change the memories`,
      source: 'default',
      allowed:
        'set MEMORY_HTTP_TOKEN or MEMORY_HTTP_TOKEN_FILE (for example: openssl rand -hex 32), or listen at 127.0.0.1',
    },
  ]);
}

type Listener = ReturnType<typeof getRequestListener>;

function createNodeServer({ tls }: HttpSettings, listener: Listener): Server {
  const limits = {
    requestTimeout: REQUEST_LIMIT_MS,
    headersTimeout: HEADERS_LIMIT_MS,
    connectionsCheckingInterval: CHECK_EVERY_MS,
  };
  const handle = (...parameters: Parameters<Listener>): void => void listener(...parameters);
  if (tls === undefined) return createPlainServer(limits, handle);
  try {
    return createTlsServer({ ...limits, cert: tls.certificate, key: tls.key }, handle);
  } catch (error) {
    const problem = `cannot be used: ${error instanceof Error ? error.message : 'unknown reason'}`;
    const allowed = 'allowed are PEM files of a certificate and the key that belongs to it';
    throw new ConfigurationError([{ key: 'http.tlsCertificate', problem, source: 'file', allowed }], {
      cause: error,
    });
  }
}

async function listen(server: Server, { host, port }: HttpSettings): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, resolve);
    });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const [key, problem, allowed] = LISTEN_PROBLEMS[code] ?? [
      'http.host',
      `cannot be used (${code})`,
      'choose another address or port',
    ];
    const source = `${inAddress(host)}:${port}`;
    throw new ConfigurationError([{ key, problem, source, allowed }], { cause: error });
  }
}

const LISTEN_PROBLEMS: Readonly<Record<string, readonly [key: string, problem: string, allowed: string]>> = {
  EADDRINUSE: [
    'http.port',
    'is in use by another program',
    'choose another with --port or MEMORY_HTTP_PORT, or stop that program',
  ],
  EACCES: ['http.port', 'may not be used by this user', 'choose one above 1023 with --port'],
  EADDRNOTAVAIL: [
    'http.host',
    'is no address of this machine',
    'allowed are 127.0.0.1, 0.0.0.0 for all, or one of its own',
  ],
  ENOTFOUND: ['http.host', 'is no known name', 'allowed are addresses and names of this machine'],
};

function addressOf(server: Server, { host, tls }: HttpSettings): string {
  // Listening at a host and a port, never at a path.
  const { port } = server.address() as AddressInfo;
  return `${tls === undefined ? 'http' : 'https'}://${inAddress(host)}:${port}`;
}

interface RunningParts {
  readonly server: Server;
  readonly connections: ConnectionUse;
  readonly mcp: McpHttpEndpoint;
}

async function closeServer({ server, connections, mcp }: RunningParts, limitMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
  connections.closeUnused();
  const deadline = performance.now() + limitMs;
  await settleWithin(mcp.answered(), limitMs);
  await mcp.close();
  await settleWithin(closed, Math.max(0, deadline - performance.now()));
  server.closeAllConnections();
  await closed;
}

/**
 * Knows which connections of a server carry no request. Node knows it too, but counts a connection that has not
 * carried any yet as used, and does not know one at all whose TLS handshake is not finished; clients open both.
 */
class ConnectionUse {
  /** How many requests each carries. */
  readonly #requests = new Map<Socket, number>();
  /** Before their TLS handshake is finished, by the address of the client. */
  readonly #handshakes = new Map<string, Socket>();
  #closing = false;

  constructor(server: Server) {
    const isTls = server instanceof TlsServer;
    if (isTls) {
      server.on('connection', (socket: Socket) => {
        this.#beginHandshake(socket);
      });
    }
    server.on(isTls ? 'secureConnection' : 'connection', (socket: Socket) => {
      this.#handshakes.delete(clientOf(socket));
      this.#requests.set(socket, 0);
      socket.once('close', () => this.#requests.delete(socket));
    });
    server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
      this.#count(socket, 1);
      response.once('close', () => {
        this.#count(socket, -1);
      });
    });
  }

  /** Closes the unused connections now, and every other one when its last request is answered. */
  closeUnused(): void {
    this.#closing = true;
    for (const socket of this.#handshakes.values()) socket.destroy();
    for (const [socket, requests] of this.#requests) if (requests === 0) socket.destroySoon();
  }

  #beginHandshake(socket: Socket): void {
    const client = clientOf(socket);
    this.#handshakes.set(client, socket);
    socket.once('close', () => {
      if (this.#handshakes.get(client) === socket) this.#handshakes.delete(client);
    });
  }

  #count(socket: Socket, change: 1 | -1): void {
    const requests = (this.#requests.get(socket) ?? 0) + change;
    if (!socket.destroyed) this.#requests.set(socket, requests);
    if (this.#closing && requests === 0) socket.destroySoon();
  }
}

/** The same for a connection and for the one that TLS makes of it. */
function clientOf({ remoteAddress = '', remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
