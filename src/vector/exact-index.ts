import { VectorIndexError } from '../errors/embedding-errors.ts';
import {
  checkDimension,
  checkQuery,
  checkVectors,
  decoded,
  type VectorHit,
  type VectorIndex,
  type VectorSearchOptions,
} from './vector-index.ts';

/** Exact search by a plain loop. The other implementations are tested against it. */
export class ExactIndex implements VectorIndex {
  readonly kind = 'exact';
  readonly dimension: number;
  #rows: Map<number, Float32Array> | undefined = new Map<number, Float32Array>();

  constructor(dimension: number) {
    checkDimension(dimension);
    this.dimension = dimension;
  }

  get count(): number {
    return this.#open().size;
  }

  add(labels: Int32Array, vectors: Uint8Array): void {
    const rows = this.#open();
    checkVectors(this.dimension, labels, vectors);
    decoded(vectors, this.dimension).forEach((row, place) => {
      rows.set(labels[place] ?? -1, row);
    });
  }

  remove(labels: Int32Array): number {
    const rows = this.#open();
    return labels.reduce((removed, label) => removed + (rows.delete(label) ? 1 : 0), 0);
  }

  clear(): void {
    this.#open().clear();
  }

  search(query: Float32Array, k: number, options: VectorSearchOptions = {}): VectorHit[] {
    const rows = this.#open();
    checkQuery(this.dimension, query, k);
    const labels = options.allow === undefined ? rows.keys() : new Set(options.allow);
    const hits: VectorHit[] = [];
    for (const label of labels) {
      const row = rows.get(label);
      if (row !== undefined) hits.push({ label, score: innerProduct(query, row) });
    }
    return hits.sort((a, b) => b.score - a.score || a.label - b.label).slice(0, k);
  }

  meanScore(query: Float32Array): number {
    const rows = this.#open();
    checkQuery(this.dimension, query, 1);
    let sum = 0;
    for (const row of rows.values()) sum += innerProduct(query, row);
    return sum / Math.max(1, rows.size);
  }

  dispose(): void {
    this.#rows = undefined;
  }

  #open(): Map<number, Float32Array> {
    if (this.#rows === undefined) throw new VectorIndexError('The index is disposed');
    return this.#rows;
  }
}

function innerProduct(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}
