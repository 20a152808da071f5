import { FaissInstance, type FaissModule, type Pointer } from './faiss-wasm-module.ts';
import { encodedBytes } from './vector-index.ts';

/**
 * Maximum size of each FAISS index that holds a part of the vectors. A single index would be copied whenever it grows,
 * and WebAssembly never returns memory.
 */
const SEGMENT_BYTES = 2 ** 24;
const FLOAT_BYTES = 4;

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
  /** Vectors in a full segment. A multiple of 8, so that each segment's part of a bitmap begins at a byte. */
  readonly #segmentRows: number;
  readonly #faiss: FaissInstance;
  readonly #segments: Segment[] = [];
  #count = 0;

  constructor(module: FaissModule, dimension: number) {
    this.dimension = dimension;
    this.#rowBytes = encodedBytes(dimension);
    this.#segmentRows = Math.max(8, Math.floor(SEGMENT_BYTES / (this.#rowBytes * 8)) * 8);
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

  /** The first segment grows by doubling, so that a small index stays small. Later ones get their full size at once. */
  #resizeSegment(segment: Segment, count: number, number: number): void {
    const doubled = number === 0 ? 2 ** Math.ceil(Math.log2(Math.max(count, 64))) : this.#segmentRows;
    const capacity = Math.max(segment.capacity, Math.min(doubled, this.#segmentRows));
    segment.rows = this.#faiss.resizeIndex(segment.index, count, capacity);
    segment.count = count;
    segment.capacity = capacity;
  }

  /** The best k vectors of each segment, in no particular order. Of vectors that tie for place k, any may be missing. */
  search(query: Float32Array, k: number, allowed?: PositionSet): SegmentHit[] {
    const hits: SegmentHit[] = [];
    this.#segments.forEach((segment, number) => {
      const start = number * this.#segmentRows;
      const bits = allowed?.slice(start, start + segment.count);
      if (segment.count === 0 || (allowed !== undefined && bits === undefined)) return;
      const depth = Math.min(k, segment.count);
      this.#searchSegment(segment, { query, depth, start, bits }, hits);
    });
    return hits;
  }

  #searchSegment(
    segment: Segment,
    search: { query: Float32Array; depth: number; start: number; bits: Uint8Array | undefined },
    found: SegmentHit[],
  ): void {
    const { query, depth, start, bits } = search;
    const sizes = { positions: 8 * depth, scores: FLOAT_BYTES * depth, query: query.byteLength };
    const total = sizes.positions + sizes.scores + sizes.query + (bits?.length ?? 0);
    this.#faiss.withMemory(total, (positions) => {
      const scores = positions + sizes.positions;
      const at = { positions, scores, query: scores + sizes.scores, allowed: 0 };
      this.#faiss.floats(at.query, query.length).set(query);
      if (bits !== undefined) {
        at.allowed = at.query + sizes.query;
        this.#faiss.bytes(at.allowed, bits.length).set(bits);
      }
      this.#faiss.searchIndex(segment.index, depth, at);
      // Positions have 64 bits; the low 32 are enough. A place without a result has -1, whose low half is -1 too.
      const halves = this.#faiss.integers(positions, 2 * depth);
      this.#faiss.floats(scores, depth).forEach((score, place) => {
        const position = halves[2 * place] ?? -1;
        if (position >= 0) found.push({ position: start + position, score });
      });
    });
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

  add(position: number): void {
    const byte = this.#bits[position >> 3] ?? 0;
    const bit = 1 << (position & 7);
    if ((byte & bit) !== 0) return;
    this.#bits[position >> 3] = byte | bit;
    this.#count += 1;
  }

  /**
   * The bits from `start`, a multiple of 8, to `end` (excluded). Bit 0 of the first byte is `start`.
   * @returns undefined when no bit is set
   */
  slice(start: number, end: number): Uint8Array | undefined {
    const bits = this.#bits.subarray(start >> 3, (end + 7) >> 3);
    return bits.some((byte) => byte !== 0) ? bits : undefined;
  }
}
