/** One nearest neighbour. */
export interface VectorHit {
  /** The label under which the vector was added. */
  readonly label: number;
  /** Inner product of query and vector; for unit vectors the cosine, in [-1, 1]. */
  readonly score: number;
}

export interface VectorSearchOptions {
  /**
   * Labels that may be returned (at most 2^31 of them, any order, unknown labels are ignored).
   * The search is exact within the set: it is a pre-filter, never a post-filter. Empty = no hits.
   */
  readonly allow?: Int32Array;
}

/**
 * An index of unit vectors by inner product. In memory, derived from the store, owned by one thread;
 * all calls are synchronous. Errors are `VectorIndexError`.
 */
export interface VectorIndex {
  /** Name of the implementation, for `doctor` and statistics, for example `faiss-wasm`. */
  readonly kind: string;
  readonly dimension: number;
  /** Number of vectors that a search can return. */
  readonly count: number;
  /**
   * Upsert: a label that is present already gets the new vector.
   * @param labels n distinct labels, each 0 ≤ label < 2^31
   * @param vectors n × dimension floats, row-major, finite
   */
  add(labels: Int32Array, vectors: Float32Array): void;
  /** Removes the labels that are present; returns how many were. */
  remove(labels: Int32Array): number;
  /** The k best hits, best first, ties by ascending label; fewer when fewer vectors qualify. k ≥ 1. */
  search(query: Float32Array, k: number, options?: VectorSearchOptions): VectorHit[];
  /** The whole index as bytes which `load` of the same implementation reads back. */
  save(): Uint8Array;
  /** Replaces the content with saved bytes. Damaged bytes raise an error and leave the index as it was. */
  load(bytes: Uint8Array): void;
  /** Frees the memory; every later call raises an error. Idempotent. */
  dispose(): void;
}
