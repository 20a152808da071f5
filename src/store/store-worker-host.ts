import { Worker } from 'node:worker_threads';
import { decodeError } from '../errors/error-codec.ts';
import { StoreUnavailableError } from '../errors/store-errors.ts';
import { packagePath } from '../util/package.ts';
import type { StoreCall, StoreMethod, StoreReply, StoreWorkerSettings } from './store-protocol.ts';

interface PendingCall {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * One worker thread with the calls that wait for it. It keeps the process alive while a call is pending, and
 * only then. When the thread ends, for whatever reason, all pending calls are rejected.
 */
export class StoreWorkerHost {
  readonly #worker: Worker;
  readonly #pending = new Map<number, PendingCall>();
  readonly #ended: Promise<void>;
  #failure: Error | undefined;
  #lastId = 0;

  /** @param onEnd called once when the thread has ended */
  constructor(settings: StoreWorkerSettings, onEnd: () => void) {
    this.#worker = new Worker(packagePath('dist/store/store-worker.js'), {
      workerData: settings,
      execArgv: [],
      // The standard output of the process may carry a protocol. The worker prints to standard error instead;
      // reading its output here would keep the process alive.
      stdout: true,
    });
    this.#worker.on('message', (reply: StoreReply) => {
      this.#settle(reply);
    });
    this.#worker.on('error', (error) => {
      this.#failure = error;
    });
    this.#ended = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        onEnd();
        this.#rejectAll(code);
        resolve();
      });
    });
    this.#worker.unref();
  }

  call(method: StoreMethod, parameters: readonly unknown[]): Promise<unknown> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#worker.postMessage({ id, method, parameters } satisfies StoreCall);
      this.#pending.set(id, { resolve, reject });
      this.#worker.ref();
    });
  }

  /** Ends the thread at once, whatever it does. Its transactions are rolled back by the next process. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
    await this.#ended;
  }

  #settle(reply: StoreReply): void {
    const call = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (this.#pending.size === 0) this.#worker.unref();
    if ('error' in reply) call?.reject(decodeError(reply.error));
    else call?.resolve(reply.value);
  }

  #rejectAll(exitCode: number): void {
    const reason = this.#failure?.message ?? `exit code ${exitCode}`;
    for (const { reject } of this.#pending.values()) {
      reject(
        new StoreUnavailableError(`The thread of the memory store ended unexpectedly: ${reason}`, {
          fix: 'Check whether the last change was stored, and repeat it if not; the store starts again by itself.',
          retryable: true,
          cause: this.#failure,
        }),
      );
    }
    this.#pending.clear();
  }
}
