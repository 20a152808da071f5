import type { EmbeddingModelId } from '../../embedding/embedder.ts';
import type { MemoryFilter } from '../../memory/filter.ts';
import type { VectorHit, VectorIndex } from '../../vector/vector-index.ts';
import type { Candidate, VectorBackground, VectorQuery } from '../memory-store.ts';
import { type Connection, Query, type SqlValue } from './connection.ts';
import { findModel } from './models.ts';
import { filterCondition, matchesAll } from './filter.ts';
import { readTotals } from './totals.ts';
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
    { filter, limit }: { readonly filter: MemoryFilter; readonly limit: number },
  ): Candidate[] {
    const catchUp = this.loaded(connection, query.modelId);
    if (catchUp === null) return [];
    const { index, model } = catchUp;
    return nearestMemories({ connection, index, model, vector: query.vector, filter, limit });
  }

  /** What the whole index looks like from the query; nothing when it is empty. */
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

/** First guess of the number of nearest chunks for each wanted memory. */
const CHUNKS_PER_MEMORY = 3;
/** A filter is broad when at least this part of the memories passes it. */
const BROAD_PART = 1 / 4;
/** Nearest chunks tried for each wanted memory when the filter is broad. */
const TRIED_PER_MEMORY = 8;

export interface NearestRequest {
  readonly connection: Connection;
  /** Contains exactly the vectors of the model's live memories. */
  readonly index: VectorIndex;
  /** Row id of the model. */
  readonly model: number;
  readonly vector: Float32Array;
  readonly filter: MemoryFilter;
  readonly limit: number;
}

/**
 * The memories that pass the filter and have the nearest chunks, best first; each memory appears once, with its best
 * chunk. The result is exact, as if every memory had been compared.
 */
function nearestMemories(request: NearestRequest): Candidate[] {
  if (matchesAll(request.filter)) return searchUntilEnough(request, {});
  const found = isBroad(request) ? tryNearest(request) : null;
  return found ?? searchUntilEnough(request, { allow: allowedLabels(request) });
}

/** Searches for more and more chunks until they belong to enough memories or no chunk is left. */
function searchUntilEnough(request: NearestRequest, options: { readonly allow?: Int32Array }): Candidate[] {
  const { index, vector, limit } = request;
  for (let count = limit * CHUNKS_PER_MEMORY; ; count *= 4) {
    const hits = index.search(vector, count, options);
    const best = bestChunks(request, hits);
    if (best.length >= limit || hits.length < count) return best;
  }
}

/** True when at least `BROAD_PART` of the live memories pass the filter; stops counting there. */
function isBroad({ connection, filter }: NearestRequest): boolean {
  const enough = Math.ceil(readTotals(connection).live * BROAD_PART);
  const condition = filterCondition(filter, true);
  const row = new Query<SqlValue[], { count: number }>(
    `SELECT count(*) AS count FROM (
       SELECT 1 FROM memory m WHERE m.state = 'live' AND ${condition.sql} LIMIT ?)`,
  ).get(connection, ...condition.parameters, enough);
  return (row?.count ?? 0) >= enough;
}

/**
 * Searches without the filter and keeps the chunks that pass it. This is exact when enough chunks pass, and avoids a
 * set of nearly all labels. Returns null when too few pass.
 */
function tryNearest(request: NearestRequest): Candidate[] | null {
  const count = request.limit * TRIED_PER_MEMORY;
  const hits = request.index.search(request.vector, count);
  const best = bestChunks(request, hits);
  return best.length >= request.limit || hits.length < count ? best : null;
}

interface ChunkHitRow {
  position: number;
  id: string;
  isTurn: number;
  start: number;
  end: number;
}

/** The memories of the hits that pass the filter, in the order of the hits, each with its best chunk. */
function bestChunks({ connection, filter, limit }: NearestRequest, hits: readonly VectorHit[]): Candidate[] {
  const condition = filterCondition(filter, true, 'each');
  const rows = new Query<SqlValue[], ChunkHitRow>(
    `SELECT hit.key AS position, m.id, m.kind = 'conversation' AS isTurn, c.start_offset AS start, c.end_offset AS "end"
     FROM json_each(?) hit CROSS JOIN chunk c ON c.label = hit.value
       CROSS JOIN version v ON v.key = c.version CROSS JOIN memory m ON m.num = v.num
     WHERE ${condition.sql} ORDER BY hit.key`,
  ).all(connection, JSON.stringify(hits.map(({ label }) => label)), ...condition.parameters);
  const best = new Map<string, Candidate>();
  for (const { position, id, isTurn, start, end } of rows) {
    const hit = hits[position];
    if (hit === undefined || best.has(id)) continue;
    best.set(id, { id, score: hit.score, start, end, ...(isTurn === 1 ? { isTurn: true } : {}) });
    if (best.size === limit) break;
  }
  return [...best.values()];
}

/** The labels that pass the filter, read as one JSON text because rows would be slow for 100,000 labels. */
function allowedLabels({ connection, filter, model }: NearestRequest): Int32Array {
  const condition = filterCondition(filter, true);
  const row = new Query<SqlValue[], { labels: string }>(
    `SELECT json_group_array(c.label) AS labels
     FROM memory m CROSS JOIN chunk c ON c.version = m.current AND c.model = ?
     WHERE m.state = 'live' AND ${condition.sql}`,
  ).get(connection, model, ...condition.parameters);
  return Int32Array.from(JSON.parse(row?.labels ?? '[]') as number[]);
}
