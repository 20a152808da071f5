import { VectorIndexError } from '../errors/embedding-errors.ts';
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

  add(labels: Int32Array, vectors: readonly Uint8Array[]): void {
    const rows = this.#open();
    checkVectors(this.dimension, labels, vectors);
    const fresh = labels.filter((label) => this.#labels.position(label) === undefined);
    // `resize` is the only step that can fail, so it comes first.
    rows.resize(rows.count + fresh.length);
    const before = this.#labels.count;
    for (const label of fresh) this.#labels.append(label);
    vectors.forEach((vector, place) => {
      const position = this.#labels.position(labels[place] ?? -1) ?? -1;
      if (position < before) rows.addUp(this.#sum, { start: position, end: position + 1, times: -1 });
      rows.row(position).set(vector);
      if (position < before) rows.addUp(this.#sum, { start: position, end: position + 1, times: 1 });
    });
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
        .map(({ position, score }) => ({ label: this.#labels.label(position) ?? -1, score })),
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
  readonly #labels: number[] = [];
  readonly #positions = new Map<number, number>();

  get count(): number {
    return this.#labels.length;
  }

  position(label: number): number | undefined {
    return this.#positions.get(label);
  }

  label(position: number): number | undefined {
    return this.#labels[position];
  }

  /** @param label must not be present */
  append(label: number): void {
    this.#positions.set(label, this.#labels.length);
    this.#labels.push(label);
  }

  /** Removes a label. @returns its position, which the last label has now; undefined when the label was not present */
  removeSwap(label: number): number | undefined {
    const position = this.#positions.get(label);
    if (position === undefined) return undefined;
    const last = this.#labels.pop();
    this.#positions.delete(label);
    if (last !== undefined && last !== label) {
      this.#labels[position] = last;
      this.#positions.set(last, position);
    }
    return position;
  }
}
