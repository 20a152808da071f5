import { VectorIndexError } from '../errors/embedding-errors.ts';
import {
  bestHits,
  checkDimension,
  checkQuery,
  checkVectors,
  decoded,
  type VectorHit,
  type VectorIndex,
  type VectorSearchOptions,
} from './vector-index.ts';

/** The part of the optional package `faiss-node` that is used here. */
interface NativeIndex {
  ntotal(): number;
  add(vectors: number[]): void;
  search(query: number[], k: number): { distances: number[]; labels: number[] };
  /** Removes vectors. Later ones move forward into the gaps, in order. */
  removeIds(positions: number[]): number;
}

type NativeIndexClass = new (dimension: number) => NativeIndex;

/** True when `faiss-node` can be imported and its native library loads. */
export async function faissNodeIsInstalled(): Promise<boolean> {
  try {
    await importNativeClass();
    return true;
  } catch {
    return false;
  }
}

/** @throws VectorIndexError when `faiss-node` is not installed */
export async function createFaissNodeIndex(dimension: number): Promise<VectorIndex> {
  checkDimension(dimension);
  try {
    return new FaissNodeIndex(await importNativeClass(), dimension);
  } catch (cause) {
    throw new VectorIndexError('The package faiss-node cannot be loaded', {
      cause,
      fix: 'Install it with `npm install faiss-node`, or set MEMORY_VECTOR_INDEX=wasm.',
    });
  }
}

async function importNativeClass(): Promise<NativeIndexClass> {
  // With the name in a variable, compilers and bundlers do not look for this optional package.
  const name = 'faiss-node';
  const loaded = (await import(name)) as {
    default?: { IndexFlatIP?: NativeIndexClass };
    IndexFlatIP?: NativeIndexClass;
  };
  const nativeClass = loaded.IndexFlatIP ?? loaded.default?.IndexFlatIP;
  if (nativeClass === undefined) throw new VectorIndexError('The package faiss-node has no IndexFlatIP');
  return nativeClass;
}

/**
 * IndexFlatIP of faiss-node, which has neither filters nor replacement. So a filtered search ranks all vectors and
 * keeps the allowed ones, and a replacement removes and adds the vector.
 */
class FaissNodeIndex implements VectorIndex {
  readonly kind = 'faiss-node';
  readonly dimension: number;
  #native: NativeIndex | undefined;
  #labels: number[] = [];

  constructor(nativeClass: NativeIndexClass, dimension: number) {
    this.dimension = dimension;
    this.#native = new nativeClass(dimension);
  }

  get count(): number {
    return this.#open().ntotal();
  }

  add(labels: Int32Array, vectors: Uint8Array): void {
    const native = this.#open();
    checkVectors(this.dimension, labels, vectors);
    if (labels.length === 0) return;
    this.remove(labels);
    native.add(decoded(vectors, this.dimension).flatMap((vector) => Array.from(vector)));
    this.#labels.push(...labels);
  }

  remove(labels: Int32Array): number {
    const native = this.#open();
    const unwanted = new Set(labels);
    const positions = this.#labels.flatMap((label, position) => (unwanted.has(label) ? [position] : []));
    if (positions.length === 0) return 0;
    native.removeIds(positions);
    this.#labels = this.#labels.filter((label) => !unwanted.has(label));
    return positions.length;
  }

  clear(): void {
    this.remove(Int32Array.from(this.#labels));
  }

  search(query: Float32Array, k: number, options: VectorSearchOptions = {}): VectorHit[] {
    const native = this.#open();
    checkQuery(this.dimension, query, k);
    const available = native.ntotal();
    if (available === 0) return [];
    if (options.allow === undefined) {
      return bestHits({ wanted: Math.min(k, available), available }, (depth) =>
        this.#deepest(native, query, Math.min(depth, available)),
      );
    }
    const allowed = new Set(options.allow);
    const qualified = this.#deepest(native, query, available).filter(({ label }) => allowed.has(label));
    return bestHits({ wanted: k, available: qualified.length }, () => qualified);
  }

  #deepest(native: NativeIndex, query: Float32Array, depth: number): VectorHit[] {
    const { distances, labels: positions } = native.search(Array.from(query), depth);
    return positions.map((position, place) => ({
      label: this.#labels[position] ?? -1,
      score: distances[place] ?? NaN,
    }));
  }

  meanScore(query: Float32Array): number {
    const hits = this.search(query, Math.max(1, this.count));
    return hits.reduce((sum, { score }) => sum + score, 0) / Math.max(1, hits.length);
  }

  dispose(): void {
    this.#native = undefined;
    this.#labels = [];
  }

  #open(): NativeIndex {
    if (this.#native === undefined) throw new VectorIndexError('The index is disposed');
    return this.#native;
  }
}
