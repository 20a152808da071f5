import { VectorIndexError } from '../errors/embedding-errors.ts';

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

/** @throws VectorIndexError unless these are n distinct labels with n finite vectors */
export function checkVectors(dimension: number, labels: Int32Array, vectors: Float32Array): void {
  if (vectors.length !== labels.length * dimension) {
    throw new VectorIndexError(
      `${labels.length} labels need ${labels.length * dimension} floats of dimension ${dimension}, got ${vectors.length}`,
    );
  }
  checkLabels(labels);
  checkFinite(vectors);
}

/** @throws VectorIndexError unless they are distinct and not negative */
export function checkLabels(labels: Int32Array): void {
  if (labels.some((label) => label < 0)) throw new VectorIndexError('Labels must not be negative');
  if (new Set(labels).size !== labels.length) throw new VectorIndexError('Labels must be distinct');
}

/** @throws VectorIndexError unless the query has the dimension and k is a positive integer */
export function checkQuery(dimension: number, query: Float32Array, k: number): void {
  if (query.length !== dimension) {
    throw new VectorIndexError(`The query has ${query.length} floats, the index has dimension ${dimension}`);
  }
  if (!Number.isInteger(k) || k < 1)
    throw new VectorIndexError(`k is ${k}; allowed is an integer of at least 1`);
  checkFinite(query);
}

/** A loop: with a callback for each float, checking 100,000 vectors takes longer than adding them. */
function checkFinite(values: Float32Array): void {
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] ?? NaN;
    if (!Number.isFinite(value)) throw new VectorIndexError(`Float ${i} is ${value}; vectors must be finite`);
  }
}

/** @throws VectorIndexError unless it is a positive integer */
export function checkDimension(dimension: number): void {
  if (!Number.isInteger(dimension) || dimension < 1 || dimension > 65_536) {
    throw new VectorIndexError(`The dimension is ${dimension}; allowed is an integer from 1 to 65536`);
  }
}

/** So many more hits than wanted are asked for at first, so that equals at the border are usually all among them. */
const MARGIN = 16;

/**
 * The best hits in the order of the port: by score, equals by ascending label. FAISS cuts equals off by position,
 * so it is asked for more until something worse than the border is among the answers.
 * @param wanted at least 1, at most `available`
 * @param available number of vectors that qualify
 * @param search at least the `depth` best hits, in any order
 */
export function bestHits(
  { wanted, available }: { wanted: number; available: number },
  search: (depth: number) => VectorHit[],
): VectorHit[] {
  for (let depth = wanted + MARGIN; ; depth *= 4) {
    const hits = search(depth).sort((a, b) => b.score - a.score || a.label - b.label);
    const [border = NaN, deepest = NaN] = [hits[wanted - 1]?.score, hits[depth - 1]?.score];
    if (depth >= available || deepest < border) return hits.slice(0, wanted);
  }
}
