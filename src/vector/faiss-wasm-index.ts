import { VectorIndexError } from '../errors/vector-index-error.ts';
import {
  type FaissModule,
  lastFailure,
  loadFaissModule,
  type Pointer,
  withBuffers,
} from './faiss-wasm-module.ts';
import { LabelMap } from './label-map.ts';
import { checkDimension, checkQuery, checkVectors } from './vector-arguments.ts';
import { decodeVectorFile, encodeVectorFile } from './vector-file.ts';
import type { VectorHit, VectorIndex, VectorSearchOptions } from './vector-index.ts';

/** Below this share of allowed vectors it is cheaper to score them one by one than to scan with a bitmap. */
const SCORE_SHARE = 0.3;
/** Vectors that are copied into the module at once. */
const ADD_BATCH = 4_096;

/** An exact inner-product index in a WebAssembly module of its own. */
export async function createFaissWasmIndex(dimension: number): Promise<VectorIndex> {
  checkDimension(dimension);
  return new FaissWasmIndex(await loadFaissModule(), dimension);
}

/** FAISS's IndexFlatIP holds vectors by position; labels are kept outside, so that removal is a swap. */
class FaissWasmIndex implements VectorIndex {
  readonly kind = 'faiss-wasm';
  readonly dimension: number;
  #module: FaissModule | undefined;
  #index: Pointer;
  #labels = new LabelMap();

  constructor(module: FaissModule, dimension: number) {
    this.dimension = dimension;
    this.#module = module;
    this.#index = module._fm_create(dimension);
    if (this.#index === 0) throw lastFailure(module, 'creating an index');
  }

  get count(): number {
    this.#open();
    return this.#labels.count;
  }

  /** Size of the module's memory, for measurements; it grows and never shrinks before `dispose`. */
  get memoryBytes(): number {
    return this.#open().HEAPU8.byteLength;
  }

  add(labels: Int32Array, vectors: Float32Array): void {
    const module = this.#open();
    checkVectors(this.dimension, labels, vectors);
    const fresh: number[] = [];
    labels.forEach((label, row) => {
      if (this.#labels.position(label) === undefined) fresh.push(row);
      else this.#overwrite(module, label, this.#row(vectors, row));
    });
    for (let start = 0; start < fresh.length; start += ADD_BATCH) {
      this.#append(module, fresh.slice(start, start + ADD_BATCH), { labels, vectors });
    }
  }

  #overwrite(module: FaissModule, label: number, vector: Float32Array): void {
    const position = this.#labels.position(label) ?? -1;
    withBuffers(module, [vector.byteLength], ([buffer = 0]) => {
      module.HEAPF32.set(vector, buffer / 4);
      if (module._fm_set(this.#index, position, buffer) !== 0)
        throw lastFailure(module, 'replacing a vector');
    });
  }

  #append(
    module: FaissModule,
    rows: readonly number[],
    from: { labels: Int32Array; vectors: Float32Array },
  ): void {
    withBuffers(module, [rows.length * this.dimension * 4], ([buffer = 0]) => {
      rows.forEach((row, place) => {
        module.HEAPF32.set(this.#row(from.vectors, row), buffer / 4 + place * this.dimension);
      });
      if (module._fm_add(this.#index, rows.length, buffer) !== 0) throw lastFailure(module, 'adding vectors');
    });
    for (const row of rows) this.#labels.append(from.labels[row] ?? -1);
  }

  #row(vectors: Float32Array, row: number): Float32Array {
    return vectors.subarray(row * this.dimension, (row + 1) * this.dimension);
  }

  remove(labels: Int32Array): number {
    const module = this.#open();
    let removed = 0;
    for (const label of labels) {
      const position = this.#labels.removeSwap(label);
      if (position === undefined) continue;
      if (module._fm_remove_swap(this.#index, position) !== 0) throw lastFailure(module, 'removing a vector');
      removed += 1;
    }
    return removed;
  }

  search(query: Float32Array, k: number, options: VectorSearchOptions = {}): VectorHit[] {
    const module = this.#open();
    checkQuery(this.dimension, query, k);
    const allowed = options.allow === undefined ? undefined : this.#positionsOf(options.allow);
    const wanted = Math.min(k, allowed?.length ?? this.#labels.count);
    if (wanted === 0) return [];
    const few = allowed !== undefined && allowed.length < SCORE_SHARE * this.#labels.count;
    const hits = few ? this.#score(module, query, allowed) : this.#scan(module, { query, wanted, allowed });
    return hits.sort((a, b) => b.score - a.score || a.label - b.label).slice(0, wanted);
  }

  #positionsOf(labels: Int32Array): Int32Array {
    const positions = new Set<number>();
    for (const label of labels) {
      const position = this.#labels.position(label);
      if (position !== undefined) positions.add(position);
    }
    return Int32Array.from(positions);
  }

  #score(module: FaissModule, query: Float32Array, positions: Int32Array): VectorHit[] {
    const bytes = [query.byteLength, positions.byteLength, positions.length * 4];
    return withBuffers(module, bytes, ([queryAt = 0, positionsAt = 0, scoresAt = 0]) => {
      module.HEAPF32.set(query, queryAt / 4);
      module.HEAP32.set(positions, positionsAt / 4);
      if (module._fm_score(this.#index, queryAt, positions.length, positionsAt, scoresAt) !== 0) {
        throw lastFailure(module, 'scoring vectors');
      }
      return Array.from(positions, (position, place) => ({
        label: this.#labels.label(position) ?? -1,
        score: module.HEAPF32[scoresAt / 4 + place] ?? NaN,
      }));
    });
  }

  /** Asks for a few more than wanted, so that ties at the border are broken by label and not by position. */
  #scan(
    module: FaissModule,
    { query, wanted, allowed }: { query: Float32Array; wanted: number; allowed: Int32Array | undefined },
  ): VectorHit[] {
    const k = Math.min(wanted + TIE_MARGIN, allowed?.length ?? this.#labels.count);
    const bitmap = allowed === undefined ? undefined : toBitmap(allowed, this.#labels.count);
    const bytes = [query.byteLength, bitmap?.length ?? 0, k * 4, k * 8];
    return withBuffers(module, bytes, ([queryAt = 0, bitmapAt = 0, scoresAt = 0, positionsAt = 0]) => {
      module.HEAPF32.set(query, queryAt / 4);
      if (bitmap !== undefined) module.HEAPU8.set(bitmap, bitmapAt);
      const bitmapOrNull = bitmap === undefined ? 0 : bitmapAt;
      if (module._fm_search(this.#index, queryAt, k, bitmapOrNull, scoresAt, positionsAt) !== 0) {
        throw lastFailure(module, 'searching');
      }
      const hits: VectorHit[] = [];
      for (let place = 0; place < k; place += 1) {
        // Positions are 64-bit; the low word is enough below 2^31, and -1 stays -1.
        const label = this.#labels.label(module.HEAP32[positionsAt / 4 + 2 * place] ?? -1);
        if (label !== undefined) hits.push({ label, score: module.HEAPF32[scoresAt / 4 + place] ?? NaN });
      }
      return hits;
    });
  }

  save(): Uint8Array {
    const module = this.#open();
    const at = module._fm_save(this.#index);
    if (at === 0) throw lastFailure(module, 'saving the index');
    try {
      const payload = module.HEAPU8.subarray(at, at + module._fm_saved_size());
      return encodeVectorFile({ dimension: this.dimension, labels: this.#labels.toArray(), payload });
    } finally {
      module._fm_release_saved();
    }
  }

  load(bytes: Uint8Array): void {
    const module = this.#open();
    const file = decodeVectorFile(bytes);
    if (file.dimension !== this.dimension) {
      throw new VectorIndexError(
        `The saved index has dimension ${file.dimension}, this one ${this.dimension}`,
      );
    }
    const loaded = withBuffers(module, [file.payload.length], ([buffer = 0]) => {
      module.HEAPU8.set(file.payload, buffer);
      return module._fm_load(buffer, file.payload.length);
    });
    if (loaded === 0) throw lastFailure(module, 'loading an index');
    if (module._fm_count(loaded) !== file.labels.length) {
      module._fm_free(loaded);
      throw new VectorIndexError('The saved index is damaged: it has not one label for each vector');
    }
    module._fm_free(this.#index);
    this.#index = loaded;
    this.#labels = new LabelMap();
    for (const label of file.labels) this.#labels.append(label);
  }

  dispose(): void {
    this.#module?._fm_free(this.#index);
    this.#module = undefined;
    this.#index = 0;
    this.#labels = new LabelMap();
  }

  #open(): FaissModule {
    if (this.#module === undefined) throw new VectorIndexError('The index is disposed');
    return this.#module;
  }
}

const TIE_MARGIN = 16;

function toBitmap(positions: Int32Array, count: number): Uint8Array {
  const bitmap = new Uint8Array(Math.ceil(count / 8));
  for (const position of positions)
    bitmap[position >> 3] = (bitmap[position >> 3] ?? 0) | (1 << (position & 7));
  return bitmap;
}
