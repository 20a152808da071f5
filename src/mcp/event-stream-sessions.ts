/* eslint-disable @typescript-eslint/no-deprecated -- the transport is old, and so are the clients that need it */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SSEServerTransport } from '@modelcontextprotocol/server-legacy/sse';
import type { Access } from '../wire/access.ts';
import type { ServerParts } from '../wire/services.ts';
import { buildServer } from './server.ts';
import { SessionPool } from './session-pool.ts';

const LIMITS = { count: 1_000, idleMs: Infinity };

/** Who sends a message, and into which session. */
export interface ReceivedMessage {
  readonly sessionId: string;
  readonly access: Access;
}

interface EventStreamSession {
  readonly transport: SSEServerTransport;
  readonly access: Access;
  close(): Promise<void>;
}

/** The HTTP+SSE transport of the protocol 2024-11-05, which older clients speak: one stream down, posts up. */
export class EventStreamSessions {
  readonly #parts: ServerParts;
  readonly #messagesPath: string;
  readonly #sessions = new SessionPool<EventStreamSession>(LIMITS);

  constructor(parts: ServerParts, messagesPath: string) {
    this.#parts = parts;
    this.#messagesPath = messagesPath;
  }

  async open(response: ServerResponse, access: Access): Promise<void> {
    const transport = new SSEServerTransport(this.#messagesPath, response);
    const server = buildServer(this.#parts, access);
    this.#sessions.add(transport.sessionId, { transport, access, close: () => server.close() });
    response.on('close', () => {
      this.#sessions.remove(transport.sessionId);
    });
    await server.connect(transport);
  }

  async receive(
    request: IncomingMessage,
    response: ServerResponse,
    { sessionId, access }: ReceivedMessage,
  ): Promise<void> {
    const session = this.#sessions.use(sessionId);
    if (session?.access !== access) {
      response.writeHead(404, { 'Content-Type': 'text/plain' }).end('No such session; open /sse again');
      return;
    }
    await session.transport.handlePostMessage(request, response);
  }

  close(): Promise<void> {
    return this.#sessions.close();
  }
}
