import type { ModelStamp } from '../../embedding/embedder.ts';
import type { MemoryFilter } from '../../memory/filter.ts';
import type { VectorIndex } from '../../vector/vector-index.ts';
import type { Candidate, VectorQuery } from '../memory-store.ts';
import type { Connection } from './connection.ts';
import { findModel } from './models.ts';
import { nearestMemories } from './nearest-memories.ts';
import { VectorCatchUp } from './vector-catch-up.ts';

export type CreateVectorIndex = (dimension: number) => Promise<VectorIndex>;

/** Search by vector over an index in this process's memory, made on first use and brought up to date before each search. */
export class VectorSearch {
  readonly #createIndex: CreateVectorIndex;
  /** An index without vectors, made for the next search; making one is asynchronous, a transaction is not. */
  #spare: VectorIndex | null = null;
  #catchUp: VectorCatchUp | null = null;

  constructor(createIndex: CreateVectorIndex) {
    this.#createIndex = createIndex;
  }

  /** Must be awaited before the transaction in which `candidates` or `loaded` is called. */
  async prepare(stamp: ModelStamp): Promise<void> {
    if (this.#spare?.dimension === stamp.dimension) return;
    if (this.#spare === null && this.#catchUp?.index.dimension === stamp.dimension) return;
    const index = await this.#createIndex(stamp.dimension);
    this.#spare?.dispose();
    this.#spare = index;
  }

  /** Memories with the nearest chunks, best first, each once with its best chunk. */
  candidates(
    connection: Connection,
    query: VectorQuery,
    { filter, limit }: { readonly filter: MemoryFilter; readonly limit: number },
  ): Candidate[] {
    const catchUp = this.loaded(connection, query.stamp);
    if (catchUp === null) return [];
    const { index, model } = catchUp;
    return nearestMemories({ connection, index, model, vector: query.vector, filter, limit });
  }

  /** The up-to-date index of a model; null when the store knows no such model. */
  loaded(connection: Connection, stamp: ModelStamp): VectorCatchUp | null {
    const model = findModel(connection, stamp);
    if (model === undefined) return null;
    try {
      const catchUp = this.#catchUpFor(connection, { model, stamp });
      catchUp.run();
      return catchUp;
    } catch (error) {
      // A half-updated index must not answer; the next search starts from an empty one.
      this.dispose();
      throw error;
    }
  }

  #catchUpFor(
    connection: Connection,
    { model, stamp }: { readonly model: number; readonly stamp: ModelStamp },
  ): VectorCatchUp {
    const current = this.#catchUp;
    if (current?.follows(connection, model) === true) return current;
    const index = this.#emptyIndex(stamp.dimension);
    this.#catchUp = new VectorCatchUp(connection, model, index);
    return this.#catchUp;
  }

  #emptyIndex(dimension: number): VectorIndex {
    const spare = this.#spare;
    if (spare !== null && spare.dimension === dimension) {
      this.#spare = null;
      this.#catchUp?.index.dispose();
      return spare;
    }
    const used = this.#catchUp;
    if (used === null || used.index.dimension !== dimension) {
      throw new Error('prepare() must be awaited before the transaction');
    }
    used.clear();
    return used.index;
  }

  dispose(): void {
    this.#spare?.dispose();
    this.#catchUp?.index.dispose();
    this.#spare = null;
    this.#catchUp = null;
  }
}
