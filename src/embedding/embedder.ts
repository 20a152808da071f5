/** Identifies a model. Two vectors may be compared only when all three fields are equal. */
export interface EmbeddingModelId {
  /** For example `e5-small-v2-int8` or `openai:text-embedding-3-small`. */
  readonly modelId: string;
  readonly dimension: number;
  /** SHA-256 of the weights as lower-case hex; empty when the provider does not publish them. */
  readonly weightsHash: string;
}

/** A unit vector for each word piece of a text that tells its topic; stop words and punctuation are left out. */
export interface TokenVectors {
  /** Ids of the word pieces in the vocabulary of the model, in the order of the text; 0 is none of them. */
  readonly pieces: Int32Array;
  /** Components of one vector; even. */
  readonly dimension: number;
  /** The vectors one after the other. */
  readonly vectors: Float32Array;
}

/** One embedded piece of a text. */
export interface EmbeddedChunk {
  /** UTF-16 offsets into the text: `text.slice(start, end)` is the piece. */
  readonly start: number;
  readonly end: number;
  /** Unit vector of `modelId.dimension` floats. */
  readonly vector: Float32Array;
  /** Present when the embedder has a `tokenSpace`. */
  readonly tokens?: TokenVectors | undefined;
}

/** `background`: no user waits for the text, so queries and other texts come first. */
export type Urgency = 'background';

/** An embedded query. */
export interface EmbeddedQuery {
  readonly vector: Float32Array;
  readonly tokens: TokenVectors;
}

/**
 * Turns text into unit vectors. Implementations load lazily: creating one uses neither disk nor network. A method
 * rejects with `EmbeddingUnavailableError` (try again later, or correct the settings), `EmbeddingRejectedError` (the
 * endpoint does not accept this input) or `ModelDamagedError`, or with the reason of the aborted signal.
 */
export interface Embedder {
  /** The identity of the model. Resolves without loading it when the identity is known in advance. */
  modelId(): Promise<EmbeddingModelId>;
  /** True when the next call does not have to wait for a model to load. */
  readonly ready: boolean;
  /** Loads the model. Resolves when it is ready. */
  warmUp(): Promise<void>;
  /** @returns a unit vector of `modelId.dimension` floats. Queries are embedded before queued passages. */
  embedQuery(text: string, signal?: AbortSignal): Promise<Float32Array>;
  /**
   * Names the facts that make token vectors of one model comparable. Absent when the embedder gives none; search then does
   * without. An embedder that has it has `embedQueryTokens` too.
   */
  readonly tokenSpace?: string | undefined;
  /** Like `embedQuery`, with the token vectors of the same run of the model. */
  embedQueryTokens?(text: string, signal?: AbortSignal): Promise<EmbeddedQuery>;
  /**
   * Splits the text into overlapping chunks that cover it completely, and embeds each. An embedder that does one after
   * the other lets queries wait for one chunk of a background text at most.
   * @returns at least one chunk
   */
  embedPassage(text: string, signal?: AbortSignal, urgency?: Urgency): Promise<EmbeddedChunk[]>;
  /** Why the last failed try of a repeated call failed; undefined after a success. */
  readonly lastFailure?: string | undefined;
  /** Short facts for `doctor` and `stats`, for example the runtime and its number of threads. */
  describe(): Record<string, string | number | boolean>;
  /** Frees the worker and the model. Pending calls reject. Idempotent. */
  close(): Promise<void>;
}
