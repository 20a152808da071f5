import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { decodeError } from '../../errors/error-codec.ts';
import { encodeFrame, FrameReader, LONGEST_ANSWER, LONGEST_REQUEST } from './frames.ts';
import { isProof, type MeetingPlace } from './meeting-place.ts';
import {
  type Answer,
  type CallOptions,
  type Facts,
  type Method,
  PROTOCOL,
  type Reply,
  type Request,
} from './protocol.ts';

/** A process that is able to answer does so at once, also while the model loads. */
const WELCOME_MS = 2_000;
/** Some times the interval of the host's signs of life. A process that was stopped gives none. */
const SILENCE_MS = 6_000;

/** The connection ended, or the process at its other end was stopped. The call may be repeated elsewhere. */
export class LinkLostError extends Error {}

interface PendingCall {
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: Error) => void;
}

/** The connection to the process that has the model. It keeps this process alive while a call waits, and only then. */
export class ModelLink {
  readonly #socket: Socket;
  readonly #reader = new FrameReader(LONGEST_ANSWER);
  readonly #pending = new Map<number, PendingCall>();
  #welcomed: (welcome: Partial<Extract<Reply, { type: 'welcome' }>>) => void = () => undefined;
  #silence: NodeJS.Timeout | undefined;
  #lastId = 0;
  #ready = false;
  #facts: Facts = {};
  #processId = 0;
  #searches: string | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (piece) => {
      this.#read(piece);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#lose();
    });
  }

  /**
   * Greets the process at the other end.
   * @returns undefined, and ends the connection, when it has another model or protocol, cannot prove that it is of this
   * data folder, or says nothing
   * @throws LinkLostError when it ends before
   */
  static async open(socket: Socket, place: MeetingPlace, identity: string): Promise<ModelLink | undefined> {
    const link = new ModelLink(socket);
    const nonce = randomBytes(16).toString('hex');
    const isWelcome = await new Promise<boolean>((resolve, reject) => {
      const late = setTimeout(resolve, WELCOME_MS, false);
      socket.once('close', () => {
        clearTimeout(late);
        reject(lost());
      });
      link.#welcomed = ({ protocol, proof, identity: theirs, processId, searches }) => {
        clearTimeout(late);
        link.#processId = Number(processId);
        link.#searches = searches;
        const isProven = typeof proof === 'string' && isProof(place, nonce, proof);
        resolve(protocol === PROTOCOL && isProven && theirs === identity);
      };
      link.#send({ type: 'hello', protocol: PROTOCOL, nonce });
    });
    if (!isWelcome) socket.destroy();
    socket.unref();
    return isWelcome ? link : undefined;
  }

  get open(): boolean {
    return !this.#socket.destroyed;
  }

  /** Whether the model is loaded there, as far as this process knows. */
  get ready(): boolean {
    return this.open && this.#ready;
  }

  get facts(): Facts {
    return this.#facts;
  }

  get processId(): number {
    return this.#processId;
  }

  /** The rules by which it searches for others; undefined = it does not. */
  get searches(): string | undefined {
    return this.#searches;
  }

  /** Rejects with the error of the other process, with a `LinkLostError`, or with a `FrameError` for a text too long. */
  async call<Asked extends Method>(
    method: Asked,
    text: string,
    { signal, urgency, data }: CallOptions = {},
  ): Promise<Answer<Asked>> {
    signal?.throwIfAborted();
    if (!this.open) throw lost();
    const id = ++this.#lastId;
    this.#send({
      ...{ type: 'call', id, method, text },
      ...(urgency === undefined ? {} : { urgency }),
      ...(data === undefined ? {} : { data }),
    });
    const cancel = (): void => {
      this.#send({ type: 'cancel', id });
      this.#settle(id)?.reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
    };
    signal?.addEventListener('abort', cancel);
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#socket.ref();
      this.#listen();
    });
    try {
      // The other process answers by the same table of methods.
      return (await answer) as Answer<Asked>;
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(piece: Buffer): void {
    try {
      // The other process proved that it is one of this user's; a wrong message of it only ends the connection.
      for (const message of this.#reader.push(piece)) this.#take(message as unknown as Reply);
    } catch {
      this.close();
    }
    if (this.#pending.size > 0) this.#listen();
  }

  #take(reply: Reply): void {
    switch (reply.type) {
      case 'welcome':
        this.#note(reply);
        this.#welcomed(reply);
        return;
      case 'state':
        this.#note(reply);
        return;
      case 'value':
        this.#settle(reply.id)?.resolve(reply.value);
        return;
      case 'error':
        this.#settle(reply.id)?.reject(decodeError(reply.error));
        return;
      case 'alive':
    }
  }

  #note({ ready, facts }: { readonly ready: boolean; readonly facts: Facts }): void {
    this.#ready = ready;
    this.#facts = facts;
  }

  #send(request: Request): void {
    if (this.open) this.#socket.write(encodeFrame(request, LONGEST_REQUEST));
  }

  /** Waits for the next sign of life from now on. */
  #listen(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      this.close();
    }, SILENCE_MS).unref();
  }

  #settle(id: number): PendingCall | undefined {
    const call = this.#pending.get(id);
    this.#pending.delete(id);
    if (this.#pending.size === 0) {
      clearTimeout(this.#silence);
      this.#socket.unref();
    }
    return call;
  }

  #lose(): void {
    clearTimeout(this.#silence);
    const calls = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of calls) reject(lost());
  }
}

function lost(): LinkLostError {
  return new LinkLostError('The connection to the process with the model has ended');
}
