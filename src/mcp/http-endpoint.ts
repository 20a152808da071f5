import type { Logger } from '../logger.ts';
import type { Workspace } from '../api/services.ts';
import { EventStreamSessions } from './event-stream-sessions.ts';
import type { Tracer } from '../util/tracer.ts';
import { buildServer, isChangingTool, type ServerFactory } from './server.ts';
import { type ReceivedRequest, StreamableSessions } from './streamable-sessions.ts';

export interface MemoryEndpointOptions extends HttpEndpointOptions {
  /** Is told of each call of a tool. */
  readonly tracer?: Tracer | undefined;
}

export interface HttpEndpointOptions {
  /** True for a tool that changes something. Default: there is none. */
  readonly isChanging?: (tool: string) => boolean;
  /** Largest message in bytes. */
  readonly bodyLimit: number;
  /** Hears of requests that are refused, at the level `debug`. */
  readonly logger: Logger;
}

export type { ReceivedRequest } from './streamable-sessions.ts';

/** MCP over HTTP, all generations of it. Callers have checked Host, Origin and token before. */
export class McpHttpEndpoint {
  readonly #streamable: StreamableSessions;
  readonly #eventStreams: EventStreamSessions;

  constructor(build: ServerFactory, options: HttpEndpointOptions) {
    this.#streamable = new StreamableSessions(build, options);
    this.#eventStreams = new EventStreamSessions(build);
  }

  /**
   * Streamable HTTP: every request to `/mcp`.
   * @param refuseChange throws for a caller who could get the right to change something by signing in again; asked before
   *   a call of a tool that needs it
   */
  handle(request: ReceivedRequest, workspace: Workspace, refuseChange?: () => void): Promise<Response> {
    return this.#streamable.handle(request, workspace, refuseChange);
  }

  /** HTTP+SSE of 2024-11-05: `GET /sse`. @param messagesPath where the client sends its messages to */
  openEventStream(workspace: Workspace, messagesPath: string): Promise<Response> {
    return this.#eventStreams.open(workspace, messagesPath);
  }

  /** HTTP+SSE: `POST /messages?sessionId=…`. */
  receiveMessage(request: ReceivedRequest, workspace: Workspace): Promise<Response> {
    return this.#eventStreams.receive(request, workspace);
  }

  /** Resolves when all calls under way are answered. */
  async answered(): Promise<void> {
    await Promise.all([this.#streamable.answered(), this.#eventStreams.answered()]);
  }

  /** Ends all sessions and streams. */
  async close(): Promise<void> {
    await Promise.all([this.#streamable.close(), this.#eventStreams.close()]);
  }
}

/** The endpoint of the memories. */
export function memoryEndpoint({ tracer, ...options }: MemoryEndpointOptions): McpHttpEndpoint {
  return new McpHttpEndpoint(({ parts, access }) => buildServer({ ...parts, tracer }, access), {
    isChanging: isChangingTool,
    ...options,
  });
}
