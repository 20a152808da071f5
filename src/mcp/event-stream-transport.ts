import { randomUUID } from 'node:crypto';
import {
  isJSONRPCRequest,
  type JSONRPCMessage,
  type RequestId,
  type Transport,
} from '@modelcontextprotocol/server';
import type { OpenWork } from '../util/concurrency.ts';
import { cancelledCall } from './cancelled-call.ts';
import type { Refusal } from './json-rpc.ts';

/** Proxies close what is silent for a minute; a comment is no event. */
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

  /** Answers what was no message. */
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
