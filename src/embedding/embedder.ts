/** What makes vectors comparable: two vectors may be compared only when all three are equal. */
export interface EmbeddingModelId {
  /** For example `e5-small-v2-int8` or `openai:text-embedding-3-small`. */
  readonly modelId: string;
  readonly dimension: number;
  /** SHA-256 of the weights as lower-case hex, or empty when the provider keeps them. */
  readonly weightsHash: string;
}

/** One embedded piece of a text. */
export interface EmbeddedChunk {
  /** UTF-16 offsets into the text: `text.slice(start, end)` is the piece. */
  readonly start: number;
  readonly end: number;
  /** Unit vector of `modelId.dimension` floats. */
  readonly vector: Float32Array;
}

/**
 * Turns text into unit vectors. Implementations load lazily: creating one touches neither disk nor network.
 * Every method rejects with `EmbeddingUnavailableError` (try later, or fix the set-up) or
 * `EmbeddingRejectedError` (this input will never work).
 */
export interface Embedder {
  /** Resolves without loading the model where the model is known beforehand. */
  modelId(): Promise<EmbeddingModelId>;
  /** True when the next call need not wait for a model to load. */
  readonly ready: boolean;
  /** Starts loading in the background; resolves when ready. */
  warmUp(): Promise<void>;
  /** @returns a unit vector. Queries go before queued passages. */
  embedQuery(text: string, signal?: AbortSignal): Promise<Float32Array>;
  /** Splits the text into overlapping chunks that cover it whole, and embeds each; at least one chunk. */
  embedPassage(text: string, signal?: AbortSignal): Promise<EmbeddedChunk[]>;
  /** Why the last try of a call failed that is tried again by itself; undefined after a success. */
  readonly lastFailure?: string | undefined;
  /** Short facts for `doctor` and `stats`, for example the runtime and its threads. */
  describe(): Record<string, string | number | boolean>;
  /** Frees worker and model. Pending calls reject. Idempotent. */
  close(): Promise<void>;
}
