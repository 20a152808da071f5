import type { ModelStamp } from '../../embedding/embedder.ts';
import type { MemoryFilter } from '../../memory/filter.ts';
import type { VectorHit, VectorIndex } from '../../vector/vector-index.ts';
import type { Candidate, VectorQuery } from '../memory-store.ts';
import type { Connection } from './connection.ts';
import { filterCondition, matchesAll } from './filter-sql.ts';
import { findModel } from './models.ts';
import { Query, type SqlValue } from './query.ts';
import { VectorCatchUp } from './vector-catch-up.ts';

/** First guess of how many of the nearest chunks give enough distinct memories. */
const CHUNKS_PER_MEMORY = 3;
/** Chunks tried before a filter is turned into a set of labels: broad filters need no more. */
const TRIED_PER_MEMORY = 6;

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
    const search = { connection, index, vector: query.vector, filter, limit };
    if (matchesAll(filter)) return nearest(search, limit * CHUNKS_PER_MEMORY);
    return (
      nearestIfBroad(search) ??
      nearest({ ...search, allow: allowedLabels(connection, filter, model) }, limit * CHUNKS_PER_MEMORY)
    );
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

interface Search {
  readonly connection: Connection;
  readonly index: VectorIndex;
  readonly vector: Float32Array;
  readonly filter: MemoryFilter;
  readonly limit: number;
  /** Labels of the memories that pass the filter; absent = all. */
  readonly allow?: Int32Array;
}

/** Asks for more and more chunks until they belong to enough memories, or none are left. */
function nearest(search: Search, firstCount: number): Candidate[] {
  const { index, vector, limit, allow } = search;
  for (let count = firstCount; ; count *= 4) {
    const hits = index.search(vector, count, allow === undefined ? {} : { allow });
    const best = bestChunks(search, hits);
    if (best.length >= limit || hits.length < count) return best;
  }
}

/**
 * Takes from the nearest chunks of all those that pass the filter. When they are enough, the answer is exact and
 * a set of nearly all labels need not be made; null when they are not.
 */
function nearestIfBroad(search: Search): Candidate[] | null {
  const count = search.limit * TRIED_PER_MEMORY;
  const hits = search.index.search(search.vector, count);
  const best = bestChunks(search, hits);
  return best.length >= search.limit || hits.length < count ? best : null;
}

/** The memories of the hits that pass the filter, in the order of the hits, each with its best chunk. */
function bestChunks({ connection, filter, limit }: Search, hits: readonly VectorHit[]): Candidate[] {
  const condition = filterCondition(filter, true, 'each');
  const rows = new Query<SqlValue[], { position: number; id: string; start: number; end: number }>(
    `SELECT hit.key AS position, m.id, c.start_offset AS start, c.end_offset AS "end"
     FROM json_each(?) hit CROSS JOIN chunk c ON c.label = hit.value
       CROSS JOIN version v ON v.key = c.version CROSS JOIN memory m ON m.num = v.num
     WHERE ${condition.sql} ORDER BY hit.key`,
  ).all(connection, JSON.stringify(hits.map(({ label }) => label)), ...condition.parameters);
  const best = new Map<string, Candidate>();
  for (const { position, id, start, end } of rows) {
    const hit = hits[position];
    if (hit === undefined || best.has(id)) continue;
    best.set(id, { id, score: hit.score, start, end });
    if (best.size === limit) break;
  }
  return [...best.values()];
}

/** One JSON text instead of a row per label: a broad filter allows 100,000 of them. */
function allowedLabels(connection: Connection, filter: MemoryFilter, model: number): Int32Array {
  const condition = filterCondition(filter, true);
  const row = new Query<SqlValue[], { labels: string }>(
    `SELECT json_group_array(c.label) AS labels
     FROM memory m CROSS JOIN chunk c ON c.version = m.current AND c.model = ?
     WHERE m.state = 'live' AND ${condition.sql}`,
  ).get(connection, model, ...condition.parameters);
  return Int32Array.from(JSON.parse(row?.labels ?? '[]') as number[]);
}
