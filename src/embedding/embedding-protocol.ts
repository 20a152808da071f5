import type { Chunk } from './chunking.ts';
import type { E5ModelOptions } from './e5-model.ts';

/** States of `WorkerSettings.phase`. */
export const PHASE = { plain: 0, native: 1, ending: 2 } as const;

/** The settings that the worker is started with. */
export interface WorkerSettings extends Omit<E5ModelOptions, 'enterNative'> {
  /**
   * One shared number, a `PHASE`. Both threads change it from `plain` only: the worker to `native` before it enters
   * native code, which may not be cut off from then on; its parent to `ending` before it cuts the worker off.
   */
  readonly phase: Int32Array<SharedArrayBuffer>;
}

/** Id of the message that the worker sends once, unasked, when the model is in memory. */
export const LOADED = 0;

/** Asks the worker to end between two runs. */
export const END = 'end';

/** Every task but `split` is at most one run of the model for each 512 tokens, so that a query never waits long. */
export interface WorkerRequest {
  readonly id: number;
  readonly task: 'load' | 'query' | 'split' | 'passage';
  readonly text: string;
}

/** Errors cross the border as data: classes do not survive it. */
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
