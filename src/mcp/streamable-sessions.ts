import { randomUUID } from 'node:crypto';
import {
  createMcpHandler,
  isInitializeRequest,
  isJsonContentType,
  isJSONRPCRequest,
  isLegacyRequest,
  type JSONRPCMessage,
  type LegacyHttpHandler,
  legacyStatelessFallback,
  type McpHandlerRequestOptions,
  type McpHttpHandler,
  type McpRequestContext,
  type McpServer,
  type RequestId,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import type { Workspace } from '../api/services.ts';
import { FaissMemoryError } from '../errors/faiss-memory-error.ts';
import type { Logger } from '../logger.ts';
import { OpenWork } from '../util/concurrency.ts';
import { answerForm, type AnswerForm, BOTH_TYPES, shapeAnswer } from './answer-form.ts';
import { cancelledCall } from './cancelled-call.ts';
import { readMessages, type Received as ReceivedMessages, refused } from './json-rpc.ts';
import type { ServerFactory } from './server.ts';
import { SessionPool } from './session-pool.ts';
import { EVENTS_UNHEARD } from './tool.ts';

const HOUR_MS = 3_600_000;
const LIMITS = { count: 1_000, idleMs: 24 * HOUR_MS };
const SESSION_HEADER = 'mcp-session-id';

/** What is read of a request; a whole one of the Fetch API takes long to make. */
export type ReceivedRequest = Pick<Request, 'url' | 'method' | 'headers' | 'signal' | 'arrayBuffer'>;

export interface StreamableOptions {
  /** Largest message in bytes. */
  readonly bodyLimit: number;
  readonly logger: Logger;
  /** See `HttpEndpointOptions`. */
  readonly isChanging?: (tool: string) => boolean;
}

interface StreamableSession {
  readonly transport: WebStandardStreamableHTTPServerTransport;
  /** See `Workspace`. */
  readonly key: string;
  /** Ids of requests that are not answered yet. */
  readonly open: Set<RequestId>;
  close(): Promise<void>;
}

interface Received {
  /** A message or a batch; undefined when the request has no body. */
  readonly message: JSONRPCMessage | readonly JSONRPCMessage[] | undefined;
  readonly workspace: Workspace;
}

/**
 * Streamable HTTP in both protocol eras. Clients of the 2025 protocols get a session when they initialize, because a
 * tool can then ask their user; whatever comes without one is served for itself.
 */
export class StreamableSessions {
  readonly #build: ServerFactory;
  readonly #bodyLimit: number;
  readonly #isChanging: (tool: string) => boolean;
  readonly #sessions = new SessionPool<StreamableSession>(LIMITS);
  /** Protocol 2026-07-28, which has no sessions. */
  readonly #modern: McpHttpHandler;
  /** Single calls of older clients that never said hello. */
  readonly #legacy: LegacyHttpHandler;
  readonly #calls = new OpenWork();

  constructor(build: ServerFactory, { bodyLimit, logger, isChanging = () => false }: StreamableOptions) {
    this.#build = build;
    this.#isChanging = isChanging;
    this.#bodyLimit = bodyLimit;
    const onError = (error: Error): void => {
      logger.debug('an MCP request was refused', {}, error);
    };
    const buildFor = (context: McpRequestContext): McpServer => build(workspaceOf(context));
    const limit = { maxRequestBodySize: bodyLimit };
    this.#modern = createMcpHandler(buildFor, { legacy: 'reject', onerror: onError, ...limit });
    this.#legacy = legacyStatelessFallback(buildFor, onError, limit);
  }

  async handle(request: ReceivedRequest, workspace: Workspace, refuseChange?: () => void): Promise<Response> {
    const form = answerForm(request.headers.get('accept'));
    if (request.method !== 'POST')
      return this.#answer(forSdk(request, form), { message: undefined, workspace });
    // The SDK refuses a request that it cannot answer or read.
    const received = isJsonContentType(request.headers.get('content-type'))
      ? await readBody(request)
      : { messages: [], refusals: [], isBatch: true };
    const { messages, refusals, isBatch } = received;
    if (form === 'neither')
      return notAcceptable('answers are application/json or text/event-stream; accept one');
    if (messages.length === 0 && refusals.length > 0) return refusal(400, received);
    // A subscription never ends, so it cannot be one answer.
    if (form === 'json' && messages.some(isSubscription)) {
      return notAcceptable('a subscription is answered with events; accept text/event-stream');
    }
    if (messages.some((one) => isCallOf(one, this.#isChanging))) refuseChange?.();
    const message = isBatch ? messages : messages[0];
    const answering = this.#answer(forSdk(request, form), { message: message ?? [], workspace }).then(
      (response) => shapeAnswer(response, { form, isBatch, refusals }),
    );
    return messages.some(isCall) ? watchAnswer(this.#calls.begin(), answering) : answering;
  }

  /** Resolves when all calls under way are answered. Streams that clients only listen to are no calls. */
  answered(): Promise<void> {
    return this.#calls.done();
  }

  async close(): Promise<void> {
    await Promise.all([this.#sessions.close(), this.#modern.close()]);
  }

  async #answer(request: Request, { message, workspace }: Received): Promise<Response> {
    const parsed = message === undefined ? {} : { parsedBody: message };
    const alone = { ...parsed, authInfo: authInfoOf(workspace) };
    if (!(await isLegacyRequest(request, message))) {
      return this.#modern.fetch(request, alone);
    }
    const sessionId = request.headers.get(SESSION_HEADER);
    if (sessionId !== null) {
      const session = this.#sessions.use(sessionId);
      if (session?.key !== workspace.key) return noSuchSession();
      const ids = [message ?? []].flat().flatMap((one) => (isJSONRPCRequest(one) ? [one.id] : []));
      // The transport would give one answer for all requests that share an id, and none to the others.
      if (ids.some((id, index) => session.open.has(id) || ids.indexOf(id) < index))
        return repeatedIds(message, ids);
      for (const id of ids) session.open.add(id);
      const response = await watchAnswer(
        () => {
          for (const id of ids) session.open.delete(id);
        },
        session.transport.handleRequest(request, parsed),
      );
      // A cancelled call gets no answer, and its stream would stay open for one.
      const cancelled = cancelledCall(message);
      if (cancelled !== undefined) session.transport.closeSSEStream(cancelled);
      return response;
    }
    if (!isInitializeRequest(message)) return this.#legacy(request, alone);
    const transport = await this.#startSession(workspace);
    return transport.handleRequest(request, parsed);
  }

  async #startSession(workspace: Workspace): Promise<WebStandardStreamableHTTPServerTransport> {
    const server = this.#build(workspace);
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      maxRequestBodySize: this.#bodyLimit,
      onsessioninitialized: (id) => {
        this.#sessions.add(id, {
          transport,
          key: workspace.key,
          open: new Set(),
          close: () => server.close(),
        });
      },
      onsessionclosed: (id) => {
        this.#sessions.remove(id);
      },
    });
    await server.connect(transport);
    return transport;
  }
}

type AuthInfo = NonNullable<McpHandlerRequestOptions['authInfo']>;

/** The way through the SDK for the facts of a request that the factory needs. */
function authInfoOf(workspace: Workspace): AuthInfo {
  return { token: '', clientId: workspace.key, scopes: [], extra: { workspace } };
}

function workspaceOf({ authInfo }: McpRequestContext): Workspace {
  const workspace = authInfo?.extra?.['workspace'];
  if (workspace === undefined) throw new FaissMemoryError('INTERNAL', 'An MCP request has no workspace');
  // Only `authInfoOf` sets it.
  return workspace as Workspace;
}

/** The one message or batch in the body of a POST. Rejects as the body does. */
async function readBody(request: ReceivedRequest): Promise<ReceivedMessages> {
  const [first, second] = readMessages(new Uint8Array(await request.arrayBuffer()));
  if (first === undefined) return refused(null, PARSE_ERROR, 'the body is empty; send a message');
  if (first.messages.length === 0 && first.refusals.length === 0) {
    return refused(null, INVALID_REQUEST, 'the notification or answer is not what the protocol allows');
  }
  return second === undefined ? first : refused(null, PARSE_ERROR, 'the body has several messages; send one');
}

const PARSE_ERROR = -32_700;
const INVALID_REQUEST = -32_600;

/**
 * The request as the SDK wants it, without its body, which was read. The form tells which answers the client takes.
 */
function forSdk({ url, method, headers: given, signal }: ReceivedRequest, form: AnswerForm): Request {
  const headers = new Headers(given);
  headers.delete(EVENTS_UNHEARD);
  const takesAnything = /\*\/\*/.test(given.get('accept') ?? '*/*');
  if (method === 'POST' ? form !== 'neither' : form !== 'json' || takesAnything)
    headers.set('accept', BOTH_TYPES);
  if (form === 'json') headers.set(EVENTS_UNHEARD, 'yes');
  return new Request(url, { method, headers, signal });
}

function isCall(message: JSONRPCMessage): boolean {
  return isJSONRPCRequest(message) && !isSubscription(message);
}

function isCallOf(message: JSONRPCMessage, isTool: (name: string) => boolean): boolean {
  if (!isJSONRPCRequest(message) || message.method !== 'tools/call') return false;
  const name: unknown = message.params?.['name'];
  return typeof name === 'string' && isTool(name);
}

function isSubscription(message: JSONRPCMessage): boolean {
  return 'method' in message && message.method === 'subscriptions/listen';
}

function notAcceptable(problem: string): Response {
  const { refusals } = refused(null, -32_000, problem);
  return Response.json(refusals[0], { status: 406 });
}

function noSuchSession(): Response {
  const error = { code: -32_001, message: 'Session not found; initialize again' };
  return Response.json({ jsonrpc: '2.0', error, id: null }, { status: 404 });
}

function refusal(status: number, { refusals, isBatch }: ReceivedMessages): Response {
  return Response.json(isBatch ? refusals : refusals[0], { status });
}

function repeatedIds(message: Received['message'], ids: readonly RequestId[]): Response {
  const problem = 'the id of a request is that of another one that is not answered yet; use a new id';
  const refusals = ids.flatMap((id) => refused(id, INVALID_REQUEST, problem).refusals);
  return refusal(400, { messages: [], refusals, isBatch: Array.isArray(message) });
}

/** The same answer. @param end called once, when its body has been read to the end or given up */
async function watchAnswer(end: () => void, answering: Promise<Response>): Promise<Response> {
  try {
    const response = await answering;
    if (response.body === null) {
      end();
      return response;
    }
    return new Response(watched(response.body, end), response);
  } catch (error) {
    end();
    throw error;
  }
}

/** The same stream. A pipe through a `TransformStream` does the same, and takes several times as long. */
function watched(stream: ReadableStream<Uint8Array>, end: () => void): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) {
            controller.enqueue(value);
            return;
          }
          end();
          controller.close();
        } catch (error) {
          end();
          controller.error(error);
        }
      },
      async cancel(reason) {
        end();
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
