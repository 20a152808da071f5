import { randomUUID } from 'node:crypto';
import {
  isJsonContentType,
  isJSONRPCRequest,
  type JSONRPCMessage,
  type RequestId,
  type Transport,
} from '@modelcontextprotocol/server';
import type { Workspace } from '../api/services.ts';
import { OpenWork } from '../util/concurrency.ts';
import { cancelledCall } from './cancelled-call.ts';
import { readMessages, type Refusal } from './json-rpc.ts';
import type { ServerFactory } from './server.ts';
import { SessionPool } from './session-pool.ts';
import type { ReceivedRequest } from './streamable-sessions.ts';

const LIMITS = { count: 1_000 };

interface EventStreamSession {
  readonly transport: EventStreamTransport;
  /** See `Workspace`. */
  readonly key: string;
  close(): Promise<void>;
}

/** The HTTP+SSE transport of the protocol 2024-11-05, which older clients speak: one stream down, posts up. */
export class EventStreamSessions {
  readonly #build: ServerFactory;
  readonly #calls = new OpenWork();
  readonly #sessions = new SessionPool<EventStreamSession>(LIMITS);

  constructor(build: ServerFactory) {
    this.#build = build;
  }

  /** Answers with the stream of a new session. @param messagesPath where the client sends its messages to */
  async open(workspace: Workspace, messagesPath: string): Promise<Response> {
    const transport = new EventStreamTransport(messagesPath, this.#calls);
    const server = this.#build(workspace);
    // The session is over when the client is gone; the server keeps its own settings.
    transport.onclose = () => {
      this.#sessions.remove(transport.sessionId);
    };
    this.#sessions.add(transport.sessionId, { transport, key: workspace.key, close: () => server.close() });
    await server.connect(transport);
    const headers = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache, no-transform' };
    return new Response(transport.events, { headers });
  }

  /** Takes one message of a client; its answer is an event of the stream. */
  async receive(request: ReceivedRequest, { key }: Workspace): Promise<Response> {
    const session = this.#sessions.use(new URL(request.url).searchParams.get('sessionId') ?? '');
    if (session?.key !== key) return noSuchSession();
    if (!isJsonContentType(request.headers.get('content-type'))) {
      return refusal(415, 'A message is application/json');
    }
    const received = readMessages(new Uint8Array(await request.arrayBuffer()));
    // The stream may have ended while the message arrived.
    if (!session.transport.isOpen) return noSuchSession();
    const refusals = received.flatMap((one) => one.refusals);
    // An answer is an event, also that of a call that failed.
    for (const one of refusals) await session.transport.refuse(one);
    for (const message of received.flatMap(({ messages }) => messages)) session.transport.receive(message);
    const [problem] = refusals;
    return problem === undefined
      ? new Response('Accepted', { status: 202 })
      : refusal(400, problem.error.message);
  }

  /** Resolves when all calls under way are answered. */
  answered(): Promise<void> {
    return this.#calls.done();
  }

  close(): Promise<void> {
    return this.#sessions.close();
  }
}

function noSuchSession(): Response {
  return refusal(404, 'No such session; open /sse again');
}

function refusal(status: number, reason: string): Response {
  return new Response(reason, { status });
}

/** Proxies close a connection that is silent for a minute; a comment is no event. */
const KEEP_ALIVE_MS = 15_000;
const KEEP_ALIVE = ': here\n\n';

/**
 * One connection of HTTP+SSE, the transport of the protocol 2024-11-05: messages to the client are events of one
 * stream, messages from it arrive as posts. It ends when either side closes the stream.
 */
export class EventStreamTransport implements Transport {
  onmessage?: Transport['onmessage'];
  onerror?: Transport['onerror'];
  onclose?: Transport['onclose'];
  readonly sessionId: string = randomUUID();
  /** The body of the answer that carries the events. */
  readonly events: ReadableStream<Uint8Array>;
  readonly #messagesPath: string;
  readonly #encoder = new TextEncoder();
  readonly #calls: OpenWork;
  /** Ends the count of a call, by its id. */
  readonly #ends = new Map<RequestId, () => void>();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #keepAlive: NodeJS.Timeout | undefined;

  /**
   * @param messagesPath where the client sends its messages to
   * @param calls counts those that are not answered
   */
  constructor(messagesPath: string, calls: OpenWork) {
    this.#messagesPath = messagesPath;
    this.#calls = calls;
    this.events = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => {
        this.#end();
      },
    });
  }

  /** Tells the client where to send its messages to. */
  start(): Promise<void> {
    this.#keepAlive = setInterval(() => {
      this.#controller?.enqueue(this.#encoder.encode(KEEP_ALIVE));
    }, KEEP_ALIVE_MS).unref();
    return this.#write('endpoint', `${this.#messagesPath}?sessionId=${this.sessionId}`);
  }

  /** Rejects when the stream has ended: its client hears nothing any more. */
  send(message: JSONRPCMessage): Promise<void> {
    if (!('method' in message) && message.id !== undefined) this.#endCall(message.id);
    return this.#write('message', JSON.stringify(message));
  }

  /** False when the client, which would hear the answers, is gone. */
  get isOpen(): boolean {
    return this.#controller !== undefined;
  }

  /** Takes a message that the client has posted, as long as the stream is open. */
  receive(message: JSONRPCMessage): void {
    // A cancelled call gets no answer.
    this.#endCall(cancelledCall(message));
    if (isJSONRPCRequest(message)) {
      this.#endCall(message.id);
      this.#ends.set(message.id, this.#calls.begin());
    }
    this.onmessage?.(message);
  }

  /** Answers a value that is no message. */
  refuse(refusal: Refusal): Promise<void> {
    return this.#write('message', JSON.stringify(refusal));
  }

  close(): Promise<void> {
    this.#controller?.close();
    this.#end();
    return Promise.resolve();
  }

  #write(event: string, data: string): Promise<void> {
    if (this.#controller === undefined) return Promise.reject(new Error('The event stream has ended'));
    this.#controller.enqueue(this.#encoder.encode(`event: ${event}\ndata: ${data}\n\n`));
    return Promise.resolve();
  }

  #end(): void {
    if (this.#controller === undefined) return;
    this.#controller = undefined;
    clearInterval(this.#keepAlive);
    for (const id of this.#ends.keys()) this.#endCall(id);
    this.onclose?.();
  }

  #endCall(id: RequestId | undefined): void {
    if (id === undefined) return;
    this.#ends.get(id)?.();
    this.#ends.delete(id);
  }
}
