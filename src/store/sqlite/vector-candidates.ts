import type { ModelStamp } from '../../embedding/embedder.ts';
import type { MemoryFilter } from '../../memory/filter.ts';
import type { VectorHit, VectorIndex } from '../../vector/vector-index.ts';
import type { Candidate, VectorQuery } from '../memory-store.ts';
import type { Connection } from './connection.ts';
import { filterCondition, matchesAll } from './filter-sql.ts';
import { findModel } from './models.ts';
import { Query, type SqlValue } from './query.ts';
import { VectorCatchUp } from './vector-catch-up.ts';

/** First guess of how many chunks give enough distinct memories. */
const CHUNKS_PER_MEMORY = 3;

export type CreateVectorIndex = (dimension: number) => Promise<VectorIndex>;

interface ChunkRow {
  id: string;
  start: number;
  end: number;
}

const selectChunk = new Query<[label: number], ChunkRow>(
  `SELECT m.id, c.start_offset AS start, c.end_offset AS "end"
   FROM chunk c JOIN version v ON v.key = c.version JOIN memory m ON m.num = v.num WHERE c.label = ?`,
);

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
    const allow = matchesAll(filter) ? undefined : allowedLabels(connection, filter, catchUp.model);
    const options = allow === undefined ? {} : { allow };
    for (let wanted = limit * CHUNKS_PER_MEMORY; ; wanted *= 4) {
      const hits = catchUp.index.search(query.vector, wanted, options);
      const best = bestChunks(connection, hits, limit);
      if (best.length >= limit || hits.length < wanted) return best;
    }
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

function bestChunks(connection: Connection, hits: readonly VectorHit[], limit: number): Candidate[] {
  const best = new Map<string, Candidate>();
  for (const { label, score } of hits) {
    const chunk = selectChunk.get(connection, label);
    if (chunk === undefined || best.has(chunk.id)) continue;
    best.set(chunk.id, { id: chunk.id, score, start: chunk.start, end: chunk.end });
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
