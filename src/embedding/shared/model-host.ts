import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { encodeError } from '../../errors/error-codec.ts';
import { EmbeddingUnavailableError } from '../../errors/embedding-errors.ts';
import { LimitedQueue, SerialQueue } from '../../util/concurrency.ts';
import type { Urgency } from '../embedder.ts';
import { encodeFrame, FrameReader, LONGEST_ANSWER, LONGEST_REQUEST } from './frames.ts';
import { type MeetingPlace, proofOf, socketAt, takeAddress } from './meeting-place.ts';
import {
  type HostServices,
  type HostState,
  isMethod,
  type Method,
  METHODS,
  PROTOCOL,
  type Reply,
} from './protocol.ts';

const MOST_CONNECTIONS = 64;
/** Calls of one connection that wait; while there are more, nothing is read from it. */
const MOST_CALLS = 256;
/** Answers that a connection has not taken yet, in bytes; while there are more, it gets no other. */
const MOST_UNREAD = 8 << 20;
/** Time for a greeting, for the rest of a frame, and to take an answer. */
const PATIENCE_MS = 20_000;
const ALIVE_EVERY_MS = 1_000;
/** Searches of one connection at the same time: one in the thread of the store, and the next one. */
const SEARCHES_AT_ONCE = 2;
/** How often to look whether the address still leads here. */
const LOOK_EVERY_MS = 5_000;

export interface ModelHostSettings extends HostServices {
  readonly place: MeetingPlace;
  readonly identity: string;
}

/**
 * Lets the other processes of the data folder use this process's model. It keeps the process alive no longer than it
 * would be. Each connection runs one query, one passage, one background text and a few searches at a time, so none can keep the
 * others waiting.
 */
export class ModelHost {
  readonly #settings: ModelHostSettings;
  readonly #server: Server;
  readonly #visitors = new Set<Visitor>();
  #socket = '';
  #lookedAt = 0;

  constructor(settings: ModelHostSettings) {
    this.#settings = settings;
    this.#server = createServer((socket) => {
      const visitor = new Visitor(socket, { ...settings, state: () => this.state() });
      this.#visitors.add(visitor);
      socket.once('close', () => this.#visitors.delete(visitor));
    });
    this.#server.maxConnections = MOST_CONNECTIONS;
    this.#server.unref();
  }

  /** @returns false when another process has the address. @throws when there can be no socket */
  async start(): Promise<boolean> {
    const { place } = this.#settings;
    try {
      if (await takeAddress(place, this.#server)) {
        this.#socket = socketAt(place);
        this.#lookedAt = Date.now();
        return true;
      }
    } catch (error) {
      this.close();
      throw error;
    }
    this.close();
    return false;
  }

  get visitors(): number {
    return this.#visitors.size;
  }

  /** Whether new connections still arrive here: the folder may have been removed or taken over. */
  holdsAddress(): boolean {
    if (Date.now() - this.#lookedAt < LOOK_EVERY_MS) return true;
    this.#lookedAt = Date.now();
    return socketAt(this.#settings.place) === this.#socket;
  }

  state(): HostState {
    const { embedder } = this.#settings;
    return { ready: embedder.ready, facts: embedder.describe() };
  }

  /** Tells the others that the model was loaded or unloaded. */
  announce(): void {
    for (const visitor of this.#visitors) visitor.tell();
  }

  /** Ends all connections. The others go on with a model of their own, so they get no errors. */
  close(): void {
    const { place } = this.#settings;
    if (!place.isPipe && this.#socket !== '' && socketAt(place) === this.#socket)
      rmSync(place.address, { force: true });
    this.#server.close();
    for (const visitor of this.#visitors) visitor.end();
  }
}

interface AskedCall {
  readonly method: Method;
  readonly text: string;
  readonly urgency: Urgency | undefined;
  readonly data: Uint8Array | undefined;
}

interface VisitorSettings extends ModelHostSettings {
  readonly state: () => HostState;
}

/** One connection of another process. Whatever it sends, it harms only itself. */
class Visitor {
  readonly #socket: Socket;
  readonly #settings: VisitorSettings;
  readonly #reader = new FrameReader(LONGEST_REQUEST);
  readonly #calls = new Map<number, AbortController>();
  readonly #queries = new SerialQueue();
  readonly #passages = new SerialQueue();
  readonly #background = new SerialQueue();
  readonly #searches = new LimitedQueue(SEARCHES_AT_ONCE);
  #greeted = false;
  #patience: NodeJS.Timeout | undefined;
  #alive: NodeJS.Timeout | undefined;

  constructor(socket: Socket, settings: VisitorSettings) {
    this.#socket = socket;
    this.#settings = settings;
    socket.unref();
    socket.on('data', (piece) => {
      this.#read(piece);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#forget();
    });
    this.#waitFor(true);
  }

  tell(): void {
    if (this.#greeted) this.#send({ type: 'state', ...this.#settings.state() });
  }

  end(): void {
    this.#socket.destroy();
  }

  #read(piece: Buffer): void {
    try {
      for (const message of this.#reader.push(piece)) this.#take(message);
    } catch {
      this.end();
      return;
    }
    this.#waitFor(this.#reader.midway || !this.#greeted);
    if (this.#calls.size >= MOST_CALLS) this.#socket.pause();
  }

  /** Ends a connection that has begun to say something and does not finish. */
  #waitFor(unfinished: boolean): void {
    if (!unfinished) {
      clearTimeout(this.#patience);
      this.#patience = undefined;
      return;
    }
    this.#patience ??= setTimeout(() => {
      this.end();
    }, PATIENCE_MS).unref();
  }

  /** @throws for bytes that are no message of the protocol */
  #take(message: Readonly<Record<string, unknown>>): void {
    const { type, id, method, text, data } = message;
    if (type === 'hello') {
      this.#welcome(message);
      return;
    }
    if (!this.#greeted || typeof id !== 'number') throw new Error('a message came before the greeting');
    if (type === 'cancel') {
      this.#calls.get(id)?.abort(new Error('cancelled'));
      return;
    }
    if (!isMethod(method) || typeof text !== 'string' || this.#calls.has(id))
      throw new Error('a call has no method, text and number of its own');
    this.#call(id, {
      ...{ method, text },
      urgency: message['urgency'] === 'background' ? 'background' : undefined,
      data: data instanceof Uint8Array ? data : undefined,
    });
  }

  #welcome({ nonce, protocol }: Readonly<Record<string, unknown>>): void {
    if (typeof nonce !== 'string') throw new Error('a greeting has no nonce');
    this.#greeted = true;
    const { place, identity, state, searches } = this.#settings;
    const proof = proofOf(place, nonce);
    this.#send({
      ...{ type: 'welcome', protocol: PROTOCOL, proof, identity, processId: process.pid },
      ...(searches === undefined ? {} : { searches: searches.rules }),
      ...state(),
    });
    if (protocol !== PROTOCOL) this.#socket.end();
  }

  #call(id: number, { method, text, ...options }: AskedCall): void {
    const controller = new AbortController();
    const { signal } = controller;
    this.#calls.set(id, controller);
    this.#alive ??= setInterval(() => {
      if (this.#socket.writableLength === 0) this.#send({ type: 'alive' });
    }, ALIVE_EVERY_MS).unref();
    void this.#queueOf(method, options.urgency).run(async () => {
      const reply = await this.#answer(id, () => {
        signal.throwIfAborted();
        return METHODS[method](this.#settings, text, { signal, ...options });
      });
      this.#calls.delete(id);
      if (this.#calls.size === 0) this.#rest();
      if (this.#calls.size < MOST_CALLS) this.#socket.resume();
      if (this.#socket.destroyed) return;
      this.#send(reply);
      await this.#taken();
    });
  }

  #queueOf(method: Method, urgency: Urgency | undefined): SerialQueue | LimitedQueue {
    if (method === 'searchStore') return this.#searches;
    if (method !== 'embedPassage') return this.#queries;
    return urgency === 'background' ? this.#background : this.#passages;
  }

  async #answer(id: number, work: () => Promise<unknown>): Promise<Reply> {
    try {
      return { type: 'value', id, value: await work() };
    } catch (error) {
      return { type: 'error', id, error: encodeError(error) };
    }
  }

  #send(reply: Reply): void {
    if (this.#socket.destroyed) return;
    try {
      this.#socket.write(encodeFrame(reply, LONGEST_ANSWER));
    } catch (cause) {
      if (!('id' in reply)) throw cause;
      const error = new EmbeddingUnavailableError('The answer is too long for one message', { cause });
      this.#send({ type: 'error', id: reply.id, error: encodeError(error) });
    }
  }

  /** Resolves when the other side has read enough for another answer, or is gone. */
  async #taken(): Promise<void> {
    if (this.#socket.writableLength <= MOST_UNREAD) return;
    await new Promise<void>((resolve) => {
      const late = setTimeout(() => {
        this.end();
      }, PATIENCE_MS).unref();
      const done = (): void => {
        clearTimeout(late);
        this.#socket.off('drain', done);
        this.#socket.off('close', done);
        resolve();
      };
      this.#socket.on('drain', done);
      this.#socket.on('close', done);
    });
  }

  #rest(): void {
    clearInterval(this.#alive);
    this.#alive = undefined;
  }

  #forget(): void {
    this.#rest();
    clearTimeout(this.#patience);
    for (const controller of this.#calls.values()) controller.abort(new Error('disconnected'));
  }
}
