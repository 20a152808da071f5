import { VectorIndexError } from '../errors/embedding-errors.ts';
import { IntegerMap } from '../util/integer-map.ts';
import { type FaissModule, loadFaissModule } from './faiss-wasm-module.ts';
import { FlatSegments, PositionSet } from './flat-segments.ts';
import {
  bestHits,
  checkDimension,
  checkQuery,
  checkVectors,
  type VectorHit,
  type VectorIndex,
  type VectorSearchOptions,
} from './vector-index.ts';

/** Creates an exact inner-product index with FAISS, in its own WebAssembly instance. */
export async function createFaissWasmIndex(dimension: number): Promise<VectorIndex> {
  checkDimension(dimension);
  return new FaissWasmIndex(await loadFaissModule(), dimension);
}

/** FAISS holds the encoded vectors without gaps. The labels are kept here, and a removal moves the last vector into the gap. */
class FaissWasmIndex implements VectorIndex {
  readonly kind = 'faiss-wasm';
  readonly dimension: number;
  /** Sum of all vectors. */
  readonly #sum: Float64Array;
  #vectors: FlatSegments | undefined;
  #labels = new LabelMap();

  constructor(module: FaissModule, dimension: number) {
    this.dimension = dimension;
    this.#sum = new Float64Array(dimension);
    this.#vectors = new FlatSegments(module, dimension);
  }

  get count(): number {
    return this.#open().count;
  }

  /** Bytes of FAISS's memory, for measurements. Only `dispose` frees it. */
  get memoryBytes(): number {
    return this.#open().memoryBytes;
  }

  add(labels: Int32Array, vectors: Uint8Array): void {
    const rows = this.#open();
    checkVectors(this.dimension, labels, vectors);
    this.remove(labels);
    const before = rows.count;
    // The only step that can fail, so it comes first.
    rows.append(vectors);
    for (const label of labels) this.#labels.append(label);
    rows.addUp(this.#sum, { start: before, end: rows.count, times: 1 });
  }

  remove(labels: Int32Array): number {
    const rows = this.#open();
    for (const label of labels) {
      const position = this.#labels.removeSwap(label);
      if (position === undefined) continue;
      rows.addUp(this.#sum, { start: position, end: position + 1, times: -1 });
      // The position of the former last vector equals the number of labels that are left.
      if (position !== this.#labels.count) rows.row(position).set(rows.row(this.#labels.count));
    }
    const removed = rows.count - this.#labels.count;
    rows.resize(this.#labels.count);
    // So that rounding does not add up over the life of an index.
    if (rows.count === 0) this.#sum.fill(0);
    return removed;
  }

  clear(): void {
    this.#open().resize(0);
    this.#labels = new LabelMap();
    this.#sum.fill(0);
  }

  search(query: Float32Array, k: number, options: VectorSearchOptions = {}): VectorHit[] {
    const rows = this.#open();
    checkQuery(this.dimension, query, k);
    const allowed = options.allow === undefined ? undefined : this.#positionsOf(options.allow);
    const available = allowed?.count ?? rows.count;
    const wanted = Math.min(k, available);
    if (wanted === 0) return [];
    return bestHits({ wanted, available }, (depth) =>
      rows
        .search(query, depth, allowed)
        .map(({ position, score }) => ({ label: this.#labels.label(position), score })),
    );
  }

  #positionsOf(labels: Int32Array): PositionSet {
    const positions = new PositionSet(this.#labels.count);
    for (const label of labels) {
      const position = this.#labels.position(label);
      if (position !== undefined) positions.add(position);
    }
    return positions;
  }

  meanScore(query: Float32Array): number {
    const { count } = this.#open();
    checkQuery(this.dimension, query, 1);
    return (
      this.#sum.reduce((total, value, place) => total + value * (query[place] ?? 0), 0) / Math.max(1, count)
    );
  }

  dispose(): void {
    this.#vectors = undefined;
    this.#labels = new LabelMap();
  }

  #open(): FlatSegments {
    if (this.#vectors === undefined) throw new VectorIndexError('The index is disposed');
    return this.#vectors;
  }
}

/** The labels by position, without gaps. A removal moves the last label into the gap. */
class LabelMap {
  #labels = new Int32Array(64);
  #count = 0;
  readonly #positions = new IntegerMap();

  get count(): number {
    return this.#count;
  }

  position(label: number): number | undefined {
    return this.#positions.get(label);
  }

  /** @param position below the count */
  label(position: number): number {
    return this.#labels[position] ?? -1;
  }

  /** @param label must not be present */
  append(label: number): void {
    if (this.#count === this.#labels.length) {
      const larger = new Int32Array(2 * this.#count);
      larger.set(this.#labels);
      this.#labels = larger;
    }
    this.#positions.set(label, this.#count);
    this.#labels[this.#count] = label;
    this.#count += 1;
  }

  /** Removes a label. @returns its position, which the last label has now; undefined when the label was not present */
  removeSwap(label: number): number | undefined {
    const position = this.#positions.get(label);
    if (position === undefined) return undefined;
    this.#count -= 1;
    const last = this.label(this.#count);
    this.#positions.delete(label);
    if (last !== label) {
      this.#labels[position] = last;
      this.#positions.set(last, position);
    }
    return position;
  }
}
