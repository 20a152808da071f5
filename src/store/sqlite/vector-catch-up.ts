import { decodeVector, dequantizeInto } from '../../embedding/quantization.ts';
import type { VectorIndex } from '../../vector/vector-index.ts';
import type { Connection } from './connection.ts';
import { Query } from './query.ts';

/** Changed memories read at once; bounds the memory that loading a large store takes. */
const BATCH = 2_000;

interface ChangedRow {
  num: number;
  sequence: number;
}

interface ChunkRow {
  num: number;
  label: number;
  vector: Uint8Array;
}

const selectChanged = new Query<[after: number, limit: number], ChangedRow>(
  'SELECT num, sequence FROM memory WHERE sequence > ? ORDER BY sequence LIMIT ?',
);
const selectChunks = new Query<[model: number, after: number, upTo: number], ChunkRow>(
  `SELECT m.num, c.label, c.vector FROM memory m INDEXED BY memory_by_sequence CROSS JOIN chunk c ON c.version = m.current AND c.model = ?
   WHERE m.sequence > ? AND m.sequence <= ? AND m.state = 'live'`,
);

/**
 * Keeps a vector index equal to the live vectors of one model in the store. It follows the change sequence,
 * so it also learns what other processes wrote. One vector index belongs to one catch-up.
 */
export class VectorCatchUp {
  readonly index: VectorIndex;
  readonly model: number;
  readonly #labels = new Map<number, readonly number[]>();
  readonly #connection: Connection;
  #sequence = 0;

  /** @param index must be empty */
  constructor(connection: Connection, model: number, index: VectorIndex) {
    this.#connection = connection;
    this.model = model;
    this.index = index;
  }

  /** Empties the index, so that it can serve another model. */
  clear(): void {
    for (const labels of this.#labels.values()) this.index.remove(Int32Array.from(labels));
    this.#labels.clear();
    this.#sequence = 0;
  }

  /** Number of labels that the index should hold. */
  get count(): number {
    let count = 0;
    for (const labels of this.#labels.values()) count += labels.length;
    return count;
  }

  /** False after the file was opened again: it may be another one, with another history. */
  follows(connection: Connection, model: number): boolean {
    return this.#connection === connection && this.model === model;
  }

  /** Must run inside a transaction, so that what follows sees the same state. */
  run(): void {
    const connection = this.#connection;
    for (;;) {
      const changed = selectChanged.all(connection, this.#sequence, BATCH);
      const last = changed.at(-1);
      if (last === undefined) return;
      this.#apply(changed, selectChunks.all(connection, this.model, this.#sequence, last.sequence));
      this.#sequence = last.sequence;
      if (changed.length < BATCH) return;
    }
  }

  /** A label always means the same vector, so only labels that came or went are of interest. */
  #apply(changed: readonly ChangedRow[], chunks: readonly ChunkRow[]): void {
    const labels = new Map(changed.map(({ num }): [number, number[]] => [num, []]));
    for (const { num, label } of chunks) labels.get(num)?.push(label);
    const gone: number[] = [];
    const kept = new Set<number>();
    for (const [num, now] of labels) {
      for (const label of this.#labels.get(num) ?? []) {
        if (now.includes(label)) kept.add(label);
        else gone.push(label);
      }
    }
    if (gone.length > 0) this.index.remove(Int32Array.from(gone));
    this.#add(chunks.filter(({ label }) => !kept.has(label)));
    for (const [num, now] of labels) {
      if (now.length > 0) this.#labels.set(num, now);
      else this.#labels.delete(num);
    }
  }

  #add(chunks: readonly ChunkRow[]): void {
    if (chunks.length === 0) return;
    const { dimension } = this.index;
    const vectors = new Float32Array(chunks.length * dimension);
    chunks.forEach(({ vector }, position) => {
      dequantizeInto(vectors, position * dimension, decodeVector(vector, dimension));
    });
    this.index.add(
      Int32Array.from(chunks, ({ label }) => label),
      vectors,
    );
  }
}
