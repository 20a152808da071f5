import { isJsonContentType, type JSONRPCMessage, parseJSONRPCMessage } from '@modelcontextprotocol/server';
import { decodeUtf8 } from '../util/decode-utf8.ts';
import { OpenWork } from '../util/open-work.ts';
import type { Access } from '../wire/access.ts';
import { EventStreamTransport } from './event-stream-transport.ts';
import type { ServerFactory } from './server.ts';
import { SessionPool } from './session-pool.ts';

const LIMITS = { count: 1_000, idleMs: Infinity };

interface EventStreamSession {
  readonly transport: EventStreamTransport;
  readonly access: Access;
  close(): Promise<void>;
}

/** The HTTP+SSE transport of the protocol 2024-11-05, which older clients speak: one stream down, posts up. */
export class EventStreamSessions {
  readonly #build: ServerFactory;
  readonly #messagesPath: string;
  readonly #calls = new OpenWork();
  readonly #sessions = new SessionPool<EventStreamSession>(LIMITS);

  constructor(build: ServerFactory, messagesPath: string) {
    this.#build = build;
    this.#messagesPath = messagesPath;
  }

  /** Answers with the stream of a new session. */
  async open(access: Access): Promise<Response> {
    const transport = new EventStreamTransport(this.#messagesPath, this.#calls);
    const server = this.#build(access);
    // The session is over when the client is gone; the server keeps what it sets itself.
    transport.onclose = () => {
      this.#sessions.remove(transport.sessionId);
    };
    this.#sessions.add(transport.sessionId, { transport, access, close: () => server.close() });
    await server.connect(transport);
    const headers = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache, no-transform' };
    return new Response(transport.events, { headers });
  }

  /** Takes one message of a client; its answer is an event of the stream. */
  async receive(request: Request, access: Access): Promise<Response> {
    const session = this.#sessions.use(new URL(request.url).searchParams.get('sessionId') ?? '');
    if (session?.access !== access) return noSuchSession();
    if (!isJsonContentType(request.headers.get('content-type'))) {
      return refusal(415, 'A message is application/json');
    }
    const message = parseMessage(decodeUtf8(await request.arrayBuffer()) ?? '');
    if (message === undefined) return refusal(400, 'This is no message of JSON-RPC');
    // The stream may have ended while the message arrived.
    if (!session.transport.isOpen) return noSuchSession();
    session.transport.receive(message);
    return new Response('Accepted', { status: 202 });
  }

  /** Resolves when all calls under way are answered. */
  answered(): Promise<void> {
    return this.#calls.done();
  }

  close(): Promise<void> {
    return this.#sessions.close();
  }
}

/** Undefined when it is none. */
function parseMessage(text: string): JSONRPCMessage | undefined {
  try {
    return parseJSONRPCMessage(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function noSuchSession(): Response {
  return refusal(404, 'No such session; open /sse again');
}

function refusal(status: number, reason: string): Response {
  return new Response(reason, { status });
}
