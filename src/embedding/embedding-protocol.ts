import type { Chunk } from './chunking.ts';
import type { E5ModelOptions } from './e5-model.ts';

/** States of `WorkerSettings.phase`. */
export const PHASE = { plain: 0, native: 1, ending: 2 } as const;

/** The settings that the worker is started with. */
export interface WorkerSettings extends Omit<E5ModelOptions, 'enterNative'> {
  /**
   * One shared `PHASE`. Both threads change it only from `plain`. The worker sets `native` before it enters native code;
   * from then on it must not be terminated. The parent sets `ending` before it terminates the worker.
   */
  readonly phase: Int32Array<SharedArrayBuffer>;
}

/** Id of the message that the worker sends once when the model is loaded. */
export const LOADED = 0;

/** Asks the worker to end between two runs. */
export const END = 'end';

/** A request to the worker. Long texts are split into several requests, so that a query never waits long. */
export interface WorkerRequest {
  readonly id: number;
  readonly task: 'load' | 'query' | 'split' | 'passage';
  readonly text: string;
}

/** An error as data, because a message between threads does not preserve the class. */
export interface WorkerFailure {
  readonly code: string;
  readonly message: string;
  readonly fix?: string;
  readonly retryable: boolean;
}

export type WorkerReply =
  | { readonly id: number; readonly runtime: string }
  | { readonly id: number; readonly vector: Float32Array }
  | { readonly id: number; readonly chunks: Chunk[] }
  | { readonly id: number; readonly failure: WorkerFailure };
