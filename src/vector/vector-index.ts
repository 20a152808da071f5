import { decodeVector, dequantizeInto } from '../embedding/quantization.ts';
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
   * Labels that may be returned, in any order; unknown labels are ignored. The search is exact within the set, because
   * it filters before it ranks. An empty array yields no hits. Default: every label is allowed.
   */
  readonly allow?: Int32Array;
}

/**
 * An index of unit vectors by inner product. It is in memory, derived from the store, and owned by one thread. All
 * calls are synchronous. Errors are `VectorIndexError`.
 */
export interface VectorIndex {
  /** Name of the implementation, for `doctor` and statistics, for example `faiss-wasm`. */
  readonly kind: string;
  readonly dimension: number;
  /** Number of vectors that a search can return. */
  readonly count: number;
  /**
   * Adds vectors. A label that is present already gets the new vector.
   * @param labels n distinct labels, each 0 ≤ label < 2^31
   * @param vectors n vectors one after the other, each in the form of `encodeVector`, which the store keeps; they are copied
   */
  add(labels: Int32Array, vectors: Uint8Array): void;
  /** Removes labels and ignores unknown ones. @returns number of labels removed */
  remove(labels: Int32Array): number;
  /** Removes everything. */
  clear(): void;
  /**
   * @param query a vector of `dimension` finite floats
   * @param k maximum number of hits, at least 1
   * @returns the best hits, best first, equal scores by ascending label
   */
  search(query: Float32Array, k: number, options?: VectorSearchOptions): VectorHit[];
  /** Mean of the inner products of the query and every vector; 0 for an empty index. */
  meanScore(query: Float32Array): number;
  /** Frees the memory. Idempotent. Every later call of another method throws. */
  dispose(): void;
}

/** @throws VectorIndexError unless there are n distinct labels and n finite vectors of the dimension */
export function checkVectors(dimension: number, labels: Int32Array, vectors: Uint8Array): void {
  const size = encodedBytes(dimension);
  if (vectors.length !== labels.length * size) {
    throw new VectorIndexError(
      `${labels.length} vectors of ${dimension} dimensions have ${labels.length * size} bytes, got ${vectors.length}`,
    );
  }
  checkLabels(labels);
  for (let start = 0; start < vectors.length; start += size) {
    if (!hasFiniteScale(vectors, start))
      throw new VectorIndexError(`Vector ${start / size} has a scale that is not finite`);
  }
}

/** Bytes of an encoded vector: a float32 as scale and one byte for each dimension. */
export function encodedBytes(dimension: number): number {
  return 4 + dimension;
}

/** The components are integers, so only the scale can be infinite or no number: then all bits of its exponent are set. */
function hasFiniteScale(vectors: Uint8Array, start: number): boolean {
  return ((vectors[start + 3] ?? 0) & 0x7f) !== 0x7f || ((vectors[start + 2] ?? 0) & 0x80) === 0;
}

/** The vectors as floats, for implementations that calculate with them. */
export function decoded(vectors: Uint8Array, dimension: number): Float32Array[] {
  const size = encodedBytes(dimension);
  return Array.from({ length: vectors.length / size }, (_, place) => {
    const floats = new Float32Array(dimension);
    dequantizeInto(floats, 0, decodeVector(vectors.subarray(place * size, (place + 1) * size), dimension));
    return floats;
  });
}

/** @throws VectorIndexError unless the labels are distinct and not negative */
function checkLabels(labels: Int32Array): void {
  if (labels.some((label) => label < 0)) throw new VectorIndexError('Labels must not be negative');
  // Mostly they ascend, and then no set is needed.
  if (labels.every((label, place) => place === 0 || label > (labels[place - 1] ?? 0))) return;
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

function checkFinite(values: Float32Array): void {
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] ?? NaN;
    if (!Number.isFinite(value)) throw new VectorIndexError(`Float ${i} is ${value}; a query must be finite`);
  }
}

/** @throws VectorIndexError unless the dimension is an integer from 1 to 65,536 */
export function checkDimension(dimension: number): void {
  if (!Number.isInteger(dimension) || dimension < 1 || dimension > 65_536) {
    throw new VectorIndexError(`The dimension is ${dimension}; allowed is an integer from 1 to 65536`);
  }
}

/** Number of extra hits in the first search. They usually include all ties with the last wanted hit. */
const MARGIN = 16;

/**
 * Returns the best hits by score, equal scores by ascending label. FAISS orders equal scores by position, so the search
 * goes deeper until it includes a hit that is worse than the last wanted one.
 * @param wanted at least 1, at most `available`
 * @param available number of vectors that qualify
 * @param search returns at least the `depth` best hits, in any order
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
