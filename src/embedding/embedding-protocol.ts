import type { Chunk } from './chunking.ts';
import type { E5ModelOptions, EmbeddedText } from './e5-model.ts';

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

/** A text of a memory, of which the first chunk is embedded. */
export interface BegunText {
  readonly chunks: readonly Chunk[];
  readonly first: EmbeddedText;
}

/**
 * The results of the worker's methods, each of which takes a text. Every one is at most one run of the model for each
 * 512 tokens, so that a query never waits long.
 */
export interface TaskResults {
  /** Name of the runtime, when the model is in memory. */
  readonly load: string;
  readonly query: EmbeddedText;
  /** One of the later chunks of a text. */
  readonly passage: EmbeddedText;
  /** Splits a text: most have one chunk, so that this is all of them. */
  readonly text: BegunText;
}

export type Task = keyof TaskResults;

/** Method that ends the worker between two runs; it is never answered. */
export const END = 'end';
