import { randomUUID } from 'node:crypto';
import {
  createMcpHandler,
  isInitializeRequest,
  isJSONRPCRequest,
  isLegacyRequest,
  legacyStatelessFallback,
  type McpHttpHandler,
  type LegacyHttpHandler,
  type McpServer,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import type { Logger } from '../logger.ts';
import { decodeUtf8 } from '../util/decode-utf8.ts';
import { OpenWork } from '../util/open-work.ts';
import type { Access } from '../wire/access.ts';
import { cancelledCall } from './cancelled-call.ts';
import type { ServerFactory } from './server.ts';
import { SessionPool } from './session-pool.ts';
import { watchAnswer } from './watch-answer.ts';

const HOUR_MS = 3_600_000;
const LIMITS = { count: 1_000, idleMs: 24 * HOUR_MS };
const SESSION_HEADER = 'mcp-session-id';

export interface StreamableOptions {
  /** Largest message in bytes. */
  readonly bodyLimit: number;
  readonly logger: Logger;
}

interface StreamableSession {
  readonly transport: WebStandardStreamableHTTPServerTransport;
  readonly access: Access;
  close(): Promise<void>;
}

interface Received {
  /** Undefined when it is no JSON. */
  readonly message: unknown;
  readonly access: Access;
}

/** The servers that need no session, for one kind of caller. */
interface Stateless {
  /** Protocol 2026-07-28, which has no sessions. */
  readonly modern: McpHttpHandler;
  /** Single calls of older clients that never said hello. */
  readonly legacy: LegacyHttpHandler;
}

/**
 * Streamable HTTP in both protocol eras. Clients of the 2025 protocols get a session when they initialize, because a
 * tool can then ask their user; whatever comes without one is served for itself.
 */
export class StreamableSessions {
  readonly #build: ServerFactory;
  readonly #bodyLimit: number;
  readonly #logger: Logger;
  readonly #sessions = new SessionPool<StreamableSession>(LIMITS);
  readonly #stateless: Readonly<Record<Access, Stateless>>;
  readonly #calls = new OpenWork();

  constructor(build: ServerFactory, { bodyLimit, logger }: StreamableOptions) {
    this.#build = build;
    this.#bodyLimit = bodyLimit;
    this.#logger = logger;
    this.#stateless = { read: this.#createStateless('read'), write: this.#createStateless('write') };
  }

  async handle(request: Request, access: Access): Promise<Response> {
    const message = await readMessage(request);
    if (message === NOT_UTF8) return notUtf8();
    const answering = this.#answer(request, { message, access });
    return isCall(message) ? watchAnswer(this.#calls, answering) : answering;
  }

  /** Resolves when all calls under way are answered. Streams that clients only listen to are no calls. */
  answered(): Promise<void> {
    return this.#calls.done();
  }

  async close(): Promise<void> {
    const modern = Object.values(this.#stateless).map((stateless) => stateless.modern.close());
    await Promise.all([this.#sessions.close(), ...modern]);
  }

  async #answer(request: Request, { message, access }: Received): Promise<Response> {
    const parsed = message === undefined ? {} : { parsedBody: message };
    if (!(await isLegacyRequest(request, message))) {
      return this.#stateless[access].modern.fetch(request, parsed);
    }
    const sessionId = request.headers.get(SESSION_HEADER);
    if (sessionId !== null) {
      const session = this.#sessions.use(sessionId);
      if (session?.access !== access) return noSuchSession();
      const response = await session.transport.handleRequest(request, parsed);
      // A cancelled call gets no answer, and its stream would stay open for one.
      const cancelled = cancelledCall(message);
      if (cancelled !== undefined) session.transport.closeSSEStream(cancelled);
      return response;
    }
    if (!isInitializeRequest(message)) return this.#stateless[access].legacy(request, parsed);
    const transport = await this.#startSession(access);
    return transport.handleRequest(request, parsed);
  }

  async #startSession(access: Access): Promise<WebStandardStreamableHTTPServerTransport> {
    const server = this.#build(access);
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      maxRequestBodySize: this.#bodyLimit,
      onsessioninitialized: (id) => {
        this.#sessions.add(id, { transport, access, close: () => server.close() });
      },
      onsessionclosed: (id) => {
        this.#sessions.remove(id);
      },
    });
    await server.connect(transport);
    return transport;
  }

  #createStateless(access: Access): Stateless {
    const build = (): McpServer => this.#build(access);
    const onError = (error: Error): void => {
      this.#logger.debug('an MCP request was refused', {}, error);
    };
    const limit = { maxRequestBodySize: this.#bodyLimit };
    return {
      modern: createMcpHandler(build, { legacy: 'reject', onerror: onError, ...limit }),
      legacy: legacyStatelessFallback(build, onError, limit),
    };
  }
}

const NOT_UTF8 = Symbol('not UTF-8');

/** The JSON in the body of a POST; undefined when there is none, which the SDK answers then. Rejects as the body does. */
async function readMessage(request: Request): Promise<unknown> {
  if (request.method !== 'POST') return undefined;
  const text = decodeUtf8(await request.clone().arrayBuffer());
  if (text === undefined) return NOT_UTF8;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The SDK would take other characters for those that it cannot read. */
function notUtf8(): Response {
  return refusal(400, -32_700, 'Parse error: the message is not UTF-8');
}

function isCall(message: unknown): boolean {
  return isJSONRPCRequest(message) && message.method !== 'subscriptions/listen';
}

function noSuchSession(): Response {
  return refusal(404, -32_001, 'Session not found; initialize again');
}

function refusal(status: number, code: number, message: string): Response {
  return Response.json({ jsonrpc: '2.0', error: { code, message }, id: null }, { status });
}
