import type { EmbeddingModelId } from '../../embedding/embedder.ts';
import type { MemoryFilter } from '../../memory/filter.ts';
import type { VectorHit, VectorIndex } from '../../vector/vector-index.ts';
import type { Candidate, VectorBackground, VectorQuery } from '../memory-store.ts';
import { candidateQuery, type CandidateRows, type FoundRow } from './candidate-rows.ts';
import type { Connection } from './connection.ts';
import { findModel } from './models.ts';
import { filterCondition, matchesAll } from './filter.ts';
import type { FilterSets } from './filter-sets.ts';
import { VectorCatchUp } from './vector-catch-up.ts';

export type CreateVectorIndex = (dimension: number) => Promise<VectorIndex>;

/** Search by vector. Its index is in the memory of this process, built on first use and updated before each search. */
export class VectorSearch {
  readonly #createIndex: CreateVectorIndex;
  /** An empty index for the next search, made in advance because a transaction cannot wait for its asynchronous creation. */
  #spare: VectorIndex | null = null;
  #catchUp: VectorCatchUp | null = null;

  constructor(createIndex: CreateVectorIndex) {
    this.#createIndex = createIndex;
  }

  /** Callers await it before the transaction in which they call `candidates` or `loaded`. */
  async prepare(modelId: EmbeddingModelId): Promise<void> {
    if (this.#spare?.dimension === modelId.dimension) return;
    if (this.#spare === null && this.#catchUp?.index.dimension === modelId.dimension) return;
    const index = await this.#createIndex(modelId.dimension);
    this.#spare?.dispose();
    this.#spare = index;
  }

  /** Memories with the nearest chunks, best first; each memory appears once, with its best chunk. */
  candidates(
    connection: Connection,
    query: VectorQuery,
    wanted: Pick<NearestRequest, 'filter' | 'sets' | 'rows' | 'limit'>,
  ): Candidate[] {
    const vectors = this.loaded(connection, query.modelId);
    return vectors === null ? [] : nearestMemories({ connection, vectors, vector: query.vector, ...wanted });
  }

  /** The look of the whole index from the query; nothing when it is empty. */
  background(connection: Connection, query: VectorQuery): { readonly background?: VectorBackground } {
    const catchUp = this.loaded(connection, query.modelId);
    return catchUp === null || catchUp.index.count === 0
      ? {}
      : { background: { cosine: catchUp.index.meanScore(query.vector), vectors: catchUp.index.count } };
  }

  /** The up-to-date index of a model; null when the store knows no such model. */
  loaded(connection: Connection, modelId: EmbeddingModelId): VectorCatchUp | null {
    const model = findModel(connection, modelId);
    if (model === undefined) return null;
    return this.#guarded(() => {
      const catchUp = this.#catchUpFor(connection, { model, modelId });
      while (catchUp.step());
      return catchUp;
    });
  }

  /** Reads some of the changes into the index of a model, after `prepare`. @returns true when there are more */
  step(connection: Connection, modelId: EmbeddingModelId): boolean {
    const model = findModel(connection, modelId);
    if (model === undefined) return false;
    return this.#guarded(() => this.#catchUpFor(connection, { model, modelId }).step());
  }

  #guarded<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      // A half-updated index would give wrong answers, so the next search starts with an empty one.
      this.dispose();
      throw error;
    }
  }

  #catchUpFor(
    connection: Connection,
    { model, modelId }: { readonly model: number; readonly modelId: EmbeddingModelId },
  ): VectorCatchUp {
    const current = this.#catchUp;
    if (current?.follows(connection, model) === true) return current;
    const index = this.#emptyIndex(modelId.dimension);
    this.#catchUp = new VectorCatchUp(connection, { model, index });
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
    // Its connection may be closed.
    used.index.clear();
    return used.index;
  }

  dispose(): void {
    this.#spare?.dispose();
    this.#catchUp?.index.dispose();
    this.#spare = null;
    this.#catchUp = null;
  }
}

/** First guess of the number of nearest chunks for each wanted memory. */
const CHUNKS_PER_MEMORY = 3;
/** A set of at most this part of the memories spares more comparisons than it costs to read. */
const WORTH_A_SET = 0.15;
/** Of the first try. */
const MOST_TRIED = 2_000;
/** How many times as many chunks as before are looked up in the next step: most memories have one, so one step is usual. */
const MORE_LOOKED_UP = 2;

interface NearestRequest {
  readonly connection: Connection;
  /** Contains exactly the vectors of the model's live memories. */
  readonly vectors: Pick<VectorCatchUp, 'index' | 'labelsOf'>;
  readonly vector: Float32Array;
  readonly filter: MemoryFilter;
  readonly sets: FilterSets;
  readonly rows: CandidateRows;
  readonly limit: number;
}

/**
 * The memories that pass the filter and have the nearest chunks, best first; each memory appears once, with its best
 * chunk. The result is exact, as if every memory had been compared.
 */
function nearestMemories(request: NearestRequest): Candidate[] {
  const { filter, sets, vectors, limit } = request;
  const usual = limit * CHUNKS_PER_MEMORY;
  if (matchesAll(filter)) return searchUntilEnough(request, usual, {});
  const { set, pass } = sets.plan(filter, WORTH_A_SET);
  const first = Math.max(usual, Math.min(MOST_TRIED, Math.ceil(usual / Math.max(pass, 0.01))));
  if (set !== null) return searchUntilEnough(request, first, { allow: vectors.labelsOf(set) });
  const hits = vectors.index.search(request.vector, first);
  const best = bestChunks(request, hits);
  if (best.length >= limit || hits.length < first) return best;
  const whole = sets.whole(filter).set ?? new Int32Array(0);
  return searchUntilEnough(request, usual, { allow: vectors.labelsOf(whole) });
}

/** Searches for more and more chunks until they belong to enough memories or no chunk is left. */
function searchUntilEnough(
  request: NearestRequest,
  first: number,
  options: { readonly allow?: Int32Array },
): Candidate[] {
  const { vectors, vector, limit } = request;
  for (let count = first; ; count *= 4) {
    const hits = vectors.index.search(vector, count, options);
    const best = bestChunks(request, hits);
    if (best.length >= limit || hits.length < count) return best;
  }
}

/** The memories of the hits that pass the filter, in the order of the hits, each with its best chunk. */
function bestChunks(request: NearestRequest, hits: readonly VectorHit[]): Candidate[] {
  const best = new Map<string, Candidate>();
  let step = request.limit;
  for (let from = 0; from < hits.length && best.size < request.limit; from += step, step *= MORE_LOOKED_UP) {
    const some = hits.slice(from, from + step);
    for (const { row, more } of lookUp(request, some)) {
      const { id, isTurn } = row;
      const [position = -1, start = 0, end = 0] = more;
      const hit = some[position];
      if (hit === undefined || best.has(id)) continue;
      best.set(id, { id, score: hit.score, start, end, ...(isTurn ? { isTurn } : {}) });
      if (best.size === request.limit) break;
    }
  }
  return [...best.values()];
}

/** With the position among the hits, and the offsets of the chunk. */
function lookUp({ rows, filter }: NearestRequest, hits: readonly VectorHit[]): FoundRow[] {
  const condition = filterCondition(filter, true, 'each');
  const from = `json_each(?) hit CROSS JOIN chunk c ON c.label = hit.value
    CROSS JOIN version v ON v.key = c.version CROSS JOIN memory m ON m.num = v.num WHERE ${condition.sql}`;
  const query = candidateQuery(from, {
    columns: ['hit.key', 'c.start_offset', 'c.end_offset'],
    order: 'hit.key',
  });
  return rows.find(query, JSON.stringify(hits.map(({ label }) => label)), ...condition.parameters);
}
