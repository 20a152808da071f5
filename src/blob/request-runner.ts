import { BlobStoreError } from '../errors/remote-errors.ts';
import type { BlobCallOptions } from './blob-store.ts';
import { Deadline } from './deadline.ts';
import type { CallContext } from './failure.ts';

export type RequestCall = Omit<CallContext, 'location'> & {
  /** How much is sent. */
  readonly bytes?: number;
};

/** What is known about a request that failed, for the provider's own translation of errors. */
export interface FailedCall extends CallContext {
  /** Ran out of time; the error itself then looks like any broken connection. */
  readonly timedOut: boolean;
  /** Values that no message may contain. */
  readonly secrets: readonly (string | undefined)[];
}

export interface RequestRunnerOptions {
  readonly location: string;
  /** See `CloudBlobSettings.timeoutMs`; default 30 s. */
  readonly timeoutMs: number | undefined;
  readonly secrets: readonly (string | undefined)[];
  readonly toError: (error: unknown, call: FailedCall) => BlobStoreError;
}

/** Runs the requests of one store: bounded in time, refused once closed, with typed errors. */
export class RequestRunner {
  readonly location: string;
  readonly #options: RequestRunnerOptions;
  #closed = false;

  constructor(options: RequestRunnerOptions) {
    this.location = options.location;
    this.#options = options;
  }

  /** Rejects with a `BlobStoreError`, or with the reason of the caller's signal. */
  async run<T>(
    call: RequestCall,
    options: BlobCallOptions,
    action: (deadline: Deadline) => Promise<T>,
  ): Promise<T> {
    options.signal?.throwIfAborted();
    const { location, secrets, toError, timeoutMs = 30_000 } = this.#options;
    const context = { operation: call.operation, key: call.key, location };
    if (this.#closed) throw new BlobStoreError('closed', { ...context, problem: 'the store is closed' });
    const deadline = new Deadline({ idleMs: timeoutMs, signal: options.signal, bytes: call.bytes });
    try {
      return await action(deadline);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof BlobStoreError) throw error;
      throw toError(error, { ...context, secrets, timedOut: deadline.expired });
    } finally {
      deadline.dispose();
    }
  }

  /** Every later call is refused. */
  close(): void {
    this.#closed = true;
  }
}
