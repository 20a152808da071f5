import { VectorIndexError } from '../errors/vector-index-error.ts';
import { checkDimension, checkQuery, checkVectors } from './vector-arguments.ts';
import { decodeVectorFile, encodeVectorFile } from './vector-file.ts';
import type { VectorHit, VectorIndex, VectorSearchOptions } from './vector-index.ts';

/** Exact search by a plain loop: the reference that every other implementation is held against. */
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

  add(labels: Int32Array, vectors: Float32Array): void {
    const rows = this.#open();
    checkVectors(this.dimension, labels, vectors);
    labels.forEach((label, row) => {
      rows.set(label, vectors.slice(row * this.dimension, (row + 1) * this.dimension));
    });
  }

  remove(labels: Int32Array): number {
    const rows = this.#open();
    return labels.reduce((removed, label) => removed + (rows.delete(label) ? 1 : 0), 0);
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

  save(): Uint8Array {
    const rows = this.#open();
    const floats = new Float32Array(rows.size * this.dimension);
    [...rows.values()].forEach((row, position) => {
      floats.set(row, position * this.dimension);
    });
    const payload = new Uint8Array(floats.buffer);
    return encodeVectorFile({ dimension: this.dimension, labels: Int32Array.from(rows.keys()), payload });
  }

  load(bytes: Uint8Array): void {
    this.#open();
    const file = decodeVectorFile(bytes);
    const floats = new Float32Array(file.payload.slice().buffer);
    if (file.dimension !== this.dimension) {
      throw new VectorIndexError(
        `The saved index has dimension ${file.dimension}, this one ${this.dimension}`,
      );
    }
    const loaded = new ExactIndex(this.dimension);
    loaded.add(file.labels, floats);
    this.#rows = loaded.#rows;
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
