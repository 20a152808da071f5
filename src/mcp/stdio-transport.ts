import type { Readable, Writable } from 'node:stream';
import {
  type JSONRPCMessage,
  ReadBuffer,
  type RequestId,
  serializeMessage,
  type Transport,
} from '@modelcontextprotocol/server';
import { cancelledCall } from './cancelled-call.ts';

/** A message may carry the largest call there is: 100 memories of 100,000 characters. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/**
 * JSON-RPC, one message a line. Unlike the SDK's own transport it stays open at the end of input, so that calls
 * under way are still answered (`echo … | faiss-memory` gets its answers); the owner closes it.
 */
export class StdioTransport implements Transport {
  onmessage?: Transport['onmessage'];
  onerror?: Transport['onerror'];
  onclose?: Transport['onclose'];
  readonly #input: Readable;
  readonly #output: Writable;
  readonly #buffer = new ReadBuffer({ maxBufferSize: MAX_MESSAGE_BYTES });
  readonly #unanswered = new Set<RequestId>();
  #whenAnswered: (() => void)[] = [];
  #closed = false;

  constructor(input: Readable, output: Writable) {
    this.#input = input;
    this.#output = output;
  }

  start(): Promise<void> {
    this.#input.on('data', this.#receive);
    return Promise.resolve();
  }

  /** Resolves when every request that came in is answered or cancelled. */
  answered(): Promise<void> {
    if (this.#unanswered.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenAnswered.push(resolve));
  }

  async send(message: JSONRPCMessage): Promise<void> {
    try {
      if (!this.#closed) await write(this.#output, serializeMessage(message));
    } finally {
      if (!('method' in message) && message.id !== undefined) this.#settle(message.id);
    }
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#input.off('data', this.#receive);
      this.#buffer.clear();
      this.onclose?.();
    }
    return Promise.resolve();
  }

  readonly #receive = (chunk: Buffer): void => {
    try {
      this.#buffer.append(chunk);
    } catch (error) {
      this.onerror?.(toError(error));
      this.#input.destroy();
      return;
    }
    for (let message = this.#next(); message !== null; message = this.#next()) {
      if (message === undefined) continue;
      this.#note(message);
      this.onmessage?.(message);
    }
  };

  /** Null when no whole line is left, undefined for a line that is no JSON-RPC message. */
  #next(): JSONRPCMessage | null | undefined {
    try {
      return this.#buffer.readMessage();
    } catch (error) {
      this.onerror?.(toError(error));
      return undefined;
    }
  }

  #note(message: JSONRPCMessage): void {
    if (!('method' in message)) return;
    // A subscription stays open for as long as its client likes.
    if ('id' in message && message.method !== 'subscriptions/listen') this.#unanswered.add(message.id);
    const cancelled = cancelledCall(message);
    if (cancelled !== undefined) this.#settle(cancelled);
  }

  #settle(id: RequestId): void {
    this.#unanswered.delete(id);
    if (this.#unanswered.size > 0) return;
    for (const resolve of this.#whenAnswered.splice(0)) resolve();
  }
}

function write(output: Writable, line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    output.write(line, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
