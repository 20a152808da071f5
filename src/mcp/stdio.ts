import type { Writable } from 'node:stream';
import {
  type JSONRPCMessage,
  type RequestId,
  serializeMessage,
  type Transport,
} from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import type { ServerParts } from '../api/services.ts';
import { settleWithin } from '../util/concurrency.ts';
import { cancelledCall } from './cancelled-call.ts';
import { type ClientInput, type Departure, MAX_MESSAGE_BYTES } from './client-input.ts';
import { readMessages, type Received, type Refusal, tooLarge } from './json-rpc.ts';
import { buildServer } from './server.ts';

/** How long calls may take that were piped in, unless a signal ends the process: a model may be loading. */
const PIPED_LIMIT_MS = 30_000;
/** Together under the 2 seconds that clients wait before they kill. */
const FINISH_LIMIT_MS = 1_200;
const CLOSE_LIMIT_MS = 500;

export interface StdioParts extends ServerParts {
  /** From `guardStdout`, called before anything else could print. */
  readonly stdout: Writable;
  /** Called at most once, when the client was connected from the program's files and asks for nothing more yet. */
  readonly onConnected?: () => void;
  /** Called once, when the client is gone and its calls are finished; gets half a second. */
  readonly onClose: () => Promise<void>;
}

/** A client whose first messages may have been answered already. */
export interface Client {
  readonly input: ClientInput;
  readonly departure: Departure;
  /** Its lines that were answered and that the server still has to hear, in their order. */
  readonly answered: readonly Buffer[];
}

/**
 * Serves one client until it is gone, see `watchClient`. At the end of input, calls under way are finished for at most
 * half a minute; once the client is gone for good, for a moment. Resolves at most two seconds after that; then the
 * process may exit whatever is still going on.
 */
export async function serveOverStdio(parts: StdioParts, client: Client): Promise<void> {
  const { logger, onClose, stdout } = parts;
  const { silent, killed } = client.departure;
  const transport = new StdioTransport(client, stdout);
  const connection = serveStdio(() => buildServer(parts), {
    transport,
    onerror: (error) => {
      logger.warn('a message could not be handled', {}, error);
    },
  });
  await silent;
  await settleWithin(Promise.race([transport.answered(), killed]), PIPED_LIMIT_MS);
  await settleWithin(transport.answered(), FINISH_LIMIT_MS);
  await settleWithin(connection.close().then(onClose), CLOSE_LIMIT_MS);
}

/** Answers to the requests of one batch, which go back together. */
interface Batch {
  open: number;
  readonly ids: readonly RequestId[];
  readonly answers: (JSONRPCMessage | Refusal)[];
}

/**
 * JSON-RPC, one message a line. Unlike the SDK's own transport it answers lines that are no message, and stays open at
 * the end of input, so that calls under way are still answered (`echo … | faiss-memory` gets its answers); the owner
 * closes it.
 */
class StdioTransport implements Transport {
  onmessage?: Transport['onmessage'];
  onerror?: Transport['onerror'];
  onclose?: Transport['onclose'];
  readonly #client: Client;
  readonly #output: Writable;
  /** Requests whose answers the client has already. */
  readonly #answeredBefore = new Set<RequestId>();
  /** How many requests of each id wait for their answer: clients may use one twice. */
  readonly #unanswered = new Map<RequestId, number>();
  readonly #batches = new Map<RequestId, Batch>();
  #whenAnswered: (() => void)[] = [];
  #closed = false;

  constructor(client: Client, output: Writable) {
    this.#client = client;
    this.#output = output;
  }

  start(): Promise<void> {
    for (const line of this.#client.answered) this.#receiveAnswered(line);
    this.#client.input.deliverTo((line) => {
      this.#receiveLine(line);
    });
    return Promise.resolve();
  }

  /** Resolves when every request that came in is answered or cancelled. */
  answered(): Promise<void> {
    if (this.#unanswered.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenAnswered.push(resolve));
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const id = 'method' in message ? undefined : message.id;
    const batch = id === undefined ? undefined : this.#batches.get(id);
    try {
      if (id !== undefined && this.#answeredBefore.delete(id)) return;
      if (batch === undefined) await this.#write(serializeMessage(message));
      else await this.#answerInBatch(batch, message);
    } finally {
      if (id !== undefined) this.#settle(id);
    }
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#client.input.close();
      this.onclose?.();
    }
    return Promise.resolve();
  }

  #receiveAnswered(line: Buffer): void {
    for (const received of readMessages(line)) {
      for (const message of received.messages) {
        if ('method' in message && 'id' in message) this.#answeredBefore.add(message.id);
      }
      this.#handle(received);
    }
  }

  #receiveLine(line: Buffer | undefined): void {
    for (const received of line === undefined ? [tooLarge(MAX_MESSAGE_BYTES)] : readMessages(line)) {
      this.#handle(received);
    }
  }

  #handle({ messages, refusals, isBatch }: Received): void {
    for (const { error } of refusals) this.onerror?.(new Error(error.message));
    const ids = messages.flatMap((message) => ('method' in message && 'id' in message ? [message.id] : []));
    if (isBatch && ids.length > 0) {
      const batch: Batch = { open: ids.length, ids, answers: [...refusals] };
      for (const id of ids) this.#batches.set(id, batch);
    } else if (refusals.length > 0) {
      void this.#write(`${JSON.stringify(isBatch ? refusals : refusals[0])}\n`).catch(() => undefined);
    }
    for (const message of messages) {
      this.#note(message);
      this.onmessage?.(message);
    }
  }

  #note(message: JSONRPCMessage): void {
    if (!('method' in message)) return;
    // A subscription stays open for as long as its client likes.
    if ('id' in message && message.method !== 'subscriptions/listen') {
      this.#unanswered.set(message.id, (this.#unanswered.get(message.id) ?? 0) + 1);
    }
    const cancelled = cancelledCall(message);
    if (cancelled === undefined || !this.#unanswered.has(cancelled)) return;
    const batch = this.#batches.get(cancelled);
    if (batch !== undefined) void this.#answerInBatch(batch).catch(() => undefined);
    this.#settle(cancelled);
  }

  /** @param answer undefined when the call was cancelled */
  async #answerInBatch(batch: Batch, answer?: JSONRPCMessage): Promise<void> {
    if (answer !== undefined) batch.answers.push(answer);
    batch.open -= 1;
    if (batch.open > 0) return;
    for (const id of batch.ids) this.#batches.delete(id);
    if (batch.answers.length > 0) await this.#write(`${JSON.stringify(batch.answers)}\n`);
  }

  async #write(line: string): Promise<void> {
    if (!this.#closed) await write(this.#output, line);
  }

  #settle(id: RequestId): void {
    const open = (this.#unanswered.get(id) ?? 0) - 1;
    if (open > 0) this.#unanswered.set(id, open);
    else this.#unanswered.delete(id);
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
