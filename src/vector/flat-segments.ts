import { FaissInstance, type FaissModule, type Pointer } from './faiss-wasm-module.ts';
import { encodedBytes } from './vector-index.ts';

/**
 * Maximum size of each FAISS index that holds a part of the vectors. A single index would be copied whenever it grows,
 * and WebAssembly never returns memory.
 */
const SEGMENT_BYTES = 2 ** 22;
const RESERVED_GROWTH = 1.5;
const FLOAT_BYTES = 4;
const POINTER_BYTES = 4;

export interface SegmentHit {
  readonly position: number;
  readonly score: number;
}

interface Segment {
  readonly index: Pointer;
  rows: Pointer;
  count: number;
  capacity: number;
}

/** A growing array of encoded vectors inside FAISS, addressed by position, with exact search by inner product. */
export class FlatSegments {
  readonly dimension: number;
  readonly #rowBytes: number;
  /** Vectors in a full segment. */
  readonly #segmentRows: number;
  readonly #faiss: FaissInstance;
  readonly #segments: Segment[] = [];
  /** Number of segments for which there is room. */
  #reserved = 1;
  #count = 0;

  constructor(module: FaissModule, dimension: number) {
    this.dimension = dimension;
    this.#rowBytes = encodedBytes(dimension);
    this.#segmentRows = Math.max(1, Math.floor(SEGMENT_BYTES / this.#rowBytes));
    this.#faiss = new FaissInstance(module);
  }

  get count(): number {
    return this.#count;
  }

  get memoryBytes(): number {
    return this.#faiss.memoryBytes;
  }

  /** A view of one vector for reading and writing. Any later call may detach it, so use it immediately. */
  row(position: number): Uint8Array {
    const segment = this.#segments[Math.floor(position / this.#segmentRows)];
    if (segment === undefined || position >= this.#count) throw new RangeError(`No vector at ${position}`);
    const offset = (position % this.#segmentRows) * this.#rowBytes;
    return this.#faiss.bytes(segment.rows + offset, this.#rowBytes);
  }

  /**
   * Adds encoded vectors, one after the other, at the end.
   * @throws VectorIndexError when memory runs out; the count does not change then
   */
  append(vectors: Uint8Array): void {
    const before = this.#count;
    this.resize(before + vectors.length / this.#rowBytes);
    this.#segments.forEach(({ rows, count }, number) => {
      const first = number * this.#segmentRows;
      const from = Math.max(before, first);
      if (from >= first + count) return;
      const part = vectors.subarray(
        (from - before) * this.#rowBytes,
        (first + count - before) * this.#rowBytes,
      );
      this.#faiss.bytes(rows + (from - first) * this.#rowBytes, part.length).set(part);
    });
  }

  /** Adds `times` the vectors from `start` to `end` (excluded) to a sum of `dimension` components. */
  addUp(sum: Float64Array, { start, end, times }: { start: number; end: number; times: 1 | -1 }): void {
    this.#faiss.withMemory(this.dimension * FLOAT_BYTES, (at) => {
      this.#segments.forEach(({ index, count }, number) => {
        const first = number * this.#segmentRows;
        const [from, to] = [Math.max(0, start - first), Math.min(count, end - first)];
        if (from >= to) return;
        this.#faiss.sumOfIndex(index, { start: from, end: to, at });
        this.#faiss.floats(at, this.dimension).forEach((value, place) => {
          sum[place] = (sum[place] ?? 0) + times * value;
        });
      });
    });
  }

  /**
   * Adds vectors of zeros at the end, or drops vectors from the end.
   * @throws VectorIndexError when memory runs out; the count does not change then
   */
  resize(count: number): void {
    const before = this.#count;
    try {
      this.#resizeTo(count);
    } catch (error) {
      this.#resizeTo(before);
      throw error;
    }
  }

  #resizeTo(count: number): void {
    while (this.#segments.length * this.#segmentRows < count) {
      if (this.#segments.length === this.#reserved) this.#reserveMore();
      this.#segments.push({
        index: this.#faiss.createIndex(this.dimension),
        rows: 0,
        count: 0,
        capacity: 0,
      });
    }
    this.#segments.forEach((segment, number) => {
      const wanted = Math.max(0, Math.min(this.#segmentRows, count - number * this.#segmentRows));
      if (wanted !== segment.count) this.#resizeSegment(segment, wanted, number);
    });
    while ((this.#segments.length - 1) * this.#segmentRows >= count) {
      const last = this.#segments.pop();
      if (last === undefined) break;
      this.#faiss.freeIndex(last.index);
    }
    this.#count = count;
  }

  #reserveMore(): void {
    this.#reserved = Math.ceil(this.#reserved * RESERVED_GROWTH);
    this.#faiss.reserve(this.#reserved * SEGMENT_BYTES);
  }

  /** The first segment grows by doubling, so that a small index stays small. Later ones get their full size at once. */
  #resizeSegment(segment: Segment, count: number, number: number): void {
    const doubled = number === 0 ? 2 ** Math.ceil(Math.log2(Math.max(count, 64))) : this.#segmentRows;
    const capacity = Math.max(segment.capacity, Math.min(doubled, this.#segmentRows));
    segment.rows = this.#faiss.resizeIndex(segment.index, count, capacity);
    segment.count = count;
    segment.capacity = capacity;
  }

  /** The best k vectors, best first. Of vectors that tie for place k, any may be missing. */
  search(query: Float32Array, k: number, allowed?: PositionSet): SegmentHit[] {
    const used = this.#segments.filter(({ count }) => count > 0).map(({ index }) => index);
    const depth = Math.min(k, this.#count);
    if (depth === 0) return [];
    const bits = allowed?.bits;
    // The numbers of 64 bits come first, because they must be aligned.
    const sizes = [8 * depth, FLOAT_BYTES * depth, query.byteLength, POINTER_BYTES * used.length];
    const total = sizes.reduce((sum, size) => sum + size, bits?.length ?? 0);
    return this.#faiss.withMemory(total, (positions) => {
      const scores = positions + 8 * depth;
      const at = { positions, scores, query: scores + FLOAT_BYTES * depth, indexes: 0, allowed: 0 };
      at.indexes = at.query + query.byteLength;
      this.#faiss.floats(at.query, query.length).set(query);
      this.#faiss.integers(at.indexes, used.length).set(used);
      if (bits !== undefined) {
        at.allowed = at.indexes + POINTER_BYTES * used.length;
        this.#faiss.bytes(at.allowed, bits.length).set(bits);
      }
      this.#faiss.searchIndexes(used.length, depth, at);
      return this.#hits(depth, at);
    });
  }

  /** Positions have 64 bits; the low 32 are enough. A place without a result has -1, whose low half is -1 too. */
  #hits(depth: number, at: { positions: Pointer; scores: Pointer }): SegmentHit[] {
    const halves = this.#faiss.integers(at.positions, 2 * depth);
    const hits: SegmentHit[] = [];
    this.#faiss.floats(at.scores, depth).forEach((score, place) => {
      const position = halves[2 * place] ?? -1;
      if (position >= 0) hits.push({ position, score });
    });
    return hits;
  }
}

/** A set of positions below a fixed size, stored as the bitmap that FAISS needs for filters. */
export class PositionSet {
  readonly #bits: Uint8Array;
  #count = 0;

  constructor(size: number) {
    this.#bits = new Uint8Array(Math.ceil(size / 8));
  }

  get count(): number {
    return this.#count;
  }

  /** Position i is bit i % 8 of byte i / 8. */
  get bits(): Uint8Array {
    return this.#bits;
  }

  add(position: number): void {
    const byte = this.#bits[position >> 3] ?? 0;
    const bit = 1 << (position & 7);
    if ((byte & bit) !== 0) return;
    this.#bits[position >> 3] = byte | bit;
    this.#count += 1;
  }
}
