import { parentPort, Worker } from 'node:worker_threads';
import { decodeError, encodeError, type EncodedError } from '../errors/error-codec.ts';
import { recordTimings, type Timing } from './tracer.ts';
import { FaissMemoryError } from '../errors/faiss-memory-error.ts';

/** Parent to worker: one call of a method. */
interface WorkerCall {
  readonly id: number;
  readonly method: string;
  readonly parameters: readonly unknown[];
  /** The answer tells how long which part of the work took. */
  readonly timed?: boolean;
}

/** Worker to parent: the answer to the call with this id. */
type WorkerReply =
  | { readonly id: number; readonly value: unknown; readonly timings?: readonly Timing[] | undefined }
  | { readonly id: number; readonly error: EncodedError };

/** Of the first message of each side: the program of the thread is loaded, and it may begin. */
const LOADED = 0;

interface PendingCall {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly onTimings: OnTimings | undefined;
}

/** Hears how long parts of the work of a call took. */
export type OnTimings = (timings: readonly Timing[]) => void;

export interface WorkerClientSettings {
  /** Absolute path of the program of the thread, which calls `answerCalls`. */
  readonly program: string;
  /** Reaches the thread as its `workerData`. */
  readonly data: unknown;
  /** Called once when the thread has ended, before the pending calls are rejected. */
  readonly onEnd: (error: Error) => void;
  /**
   * The error of the calls that are pending when the thread ends.
   * @param reason for example `exit code 1`
   * @param cause the exception that ended the thread
   */
  readonly toError: (reason: string, cause: Error | undefined) => Error;
}

/** Of the heap of a thread, in MiB. */
const YOUNG_GENERATION_MB = 6;

/**
 * One worker thread with the calls that wait for it. It keeps the process alive while a call is pending, and
 * only then. When the thread ends, for whatever reason, all pending calls are rejected. Errors of the thread
 * arrive as instances of their classes.
 */
export class WorkerClient {
  /** Resolves when the thread has ended; never rejects. */
  readonly ended: Promise<void>;
  readonly #worker: Worker;
  readonly #pending = new Map<number, PendingCall>();
  /** Calls that wait for the program of the thread; undefined once it is loaded. */
  #early: WorkerCall[] | undefined = [];
  #failure: Error | undefined;
  #lastId = LOADED;

  constructor({ program, data, onEnd, toError }: WorkerClientSettings) {
    this.#worker = new Worker(program, {
      workerData: data,
      // Options of the process may not fit the program: node --input-type=module --eval.
      execArgv: [],
      // The garbage of rows and messages is short-lived; the usual 48 MB only delay its collection.
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
      // The standard output of the process may carry a protocol. The worker prints to standard error instead;
      // reading its output here would keep the process alive.
      stdout: true,
    });
    this.#worker.on('message', (reply: WorkerReply) => {
      this.#settle(reply);
    });
    this.#worker.on('error', (error) => {
      this.#failure = error;
    });
    this.ended = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        const error = toError(this.#failure?.message ?? `exit code ${code}`, this.#failure);
        onEnd(error);
        for (const { reject } of this.#pending.values()) reject(error);
        this.#pending.clear();
        resolve();
      });
    });
    this.#worker.unref();
  }

  /**
   * The value is that of the method, as structured clone carries it.
   * @param onTimings hears how long parts of the work took, when it succeeds
   */
  call(method: string, parameters: readonly unknown[], onTimings?: OnTimings): Promise<unknown> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timed = onTimings === undefined ? {} : { timed: true };
      const message: WorkerCall = { id, method, parameters, ...timed };
      if (this.#early === undefined) this.#worker.postMessage(message);
      else this.#early.push(structuredClone(message));
      this.#pending.set(id, { resolve, reject, onTimings });
      this.#worker.ref();
    });
  }

  /**
   * False before the thread was told to begin. Then it can be ended at once; later it may be in native code, whose next
   * call into Node.js would fail with an exception that ends the process.
   */
  get hasBegun(): boolean {
    return this.#early === undefined;
  }

  /** True while a call waits for its answer. */
  get isAwaited(): boolean {
    return this.#pending.size > 0;
  }

  /** Ends the thread at once, whatever it does. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
    await this.ended;
  }

  #settle(reply: WorkerReply): void {
    if (reply.id === LOADED) {
      const begin: WorkerCall = { id: LOADED, method: 'begin', parameters: [] };
      for (const message of [begin, ...(this.#early ?? [])]) this.#worker.postMessage(message);
      this.#early = undefined;
      return;
    }
    const call = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (this.#pending.size === 0) this.#worker.unref();
    if ('error' in reply) call?.reject(decodeError(reply.error));
    else {
      if (reply.timings !== undefined) call?.onTimings?.(reply.timings);
      call?.resolve(reply.value);
    }
  }
}

/** The side of the thread. */
export interface CallHandler {
  /** Work before the first call, with which the thread becomes one that may not be cut off. */
  readonly begin?: () => void;
  readonly call: (method: string, parameters: readonly unknown[]) => Promise<unknown>;
  /** After the reply to such a call the thread takes no more, so that it can end by itself. */
  readonly isLast?: (method: string) => boolean;
}

/** Answers the calls of the parent thread. The standard output of the thread goes to standard error. */
export function answerCalls({ begin, call, isLast }: CallHandler): void {
  const port = parentPort;
  if (port === null) throw new FaissMemoryError('INTERNAL', 'This program runs only as a worker thread');
  process.stdout.write = process.stderr.write.bind(process.stderr);
  const answer = async ({ id, method, parameters, timed }: WorkerCall): Promise<void> => {
    try {
      const work = (): Promise<unknown> => call(method, parameters);
      const [value, timings] = timed === true ? await recordTimings(work) : [await work(), undefined];
      port.postMessage({ id, value, ...(timings === undefined ? {} : { timings }) } satisfies WorkerReply);
    } catch (error) {
      port.postMessage({ id, error: encodeError(error) } satisfies WorkerReply);
    }
    if (isLast?.(method) === true) port.close();
  };
  port.on('message', (message: WorkerCall) => {
    if (message.id === LOADED) begin?.();
    else void answer(message);
  });
  port.postMessage({ id: LOADED, value: undefined } satisfies WorkerReply);
}
