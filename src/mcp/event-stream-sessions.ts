import { isJsonContentType } from '@modelcontextprotocol/server';
import { OpenWork } from '../util/concurrency.ts';
import type { Access } from '../api/services.ts';
import { EventStreamTransport } from './event-stream-transport.ts';
import { readMessages } from './json-rpc.ts';
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
    const received = readMessages(new Uint8Array(await request.arrayBuffer()));
    // The stream may have ended while the message arrived.
    if (!session.transport.isOpen) return noSuchSession();
    const refusals = received.flatMap((one) => one.refusals);
    // An answer is an event, also the one that says what is wrong.
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
