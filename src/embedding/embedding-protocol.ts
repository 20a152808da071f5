import type { Chunk } from '../memory/chunking.ts';
import type { E5ModelOptions } from './e5-model.ts';

/** What the worker is started with. */
export type WorkerSettings = E5ModelOptions;

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
