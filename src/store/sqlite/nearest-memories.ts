import type { MemoryFilter } from '../../memory/filter.ts';
import type { VectorHit, VectorIndex } from '../../vector/vector-index.ts';
import type { Candidate } from '../memory-store.ts';
import type { Connection } from './connection.ts';
import { filterCondition, matchesAll } from './filter-sql.ts';
import { readLedger } from './ledger.ts';
import { Query, type SqlValue } from './query.ts';

/** First guess of how many of the nearest chunks give enough distinct memories. */
const CHUNKS_PER_MEMORY = 3;
/** A filter is broad when at least this part of the memories passes it. */
const BROAD_PART = 1 / 4;
/** Nearest chunks tried for each memory wanted when the filter is broad. */
const TRIED_PER_MEMORY = 8;

export interface NearestRequest {
  readonly connection: Connection;
  /** Holds exactly the live vectors of the model. */
  readonly index: VectorIndex;
  /** Row of the model. */
  readonly model: number;
  readonly vector: Float32Array;
  readonly filter: MemoryFilter;
  readonly limit: number;
}

/**
 * The memories that pass the filter and have the nearest chunks, best first, each once with its best chunk.
 * Exact, as if every memory had been compared.
 */
export function nearestMemories(request: NearestRequest): Candidate[] {
  if (matchesAll(request.filter)) return searchUntilEnough(request, {});
  const found = isBroad(request) ? tryNearest(request) : null;
  return found ?? searchUntilEnough(request, { allow: allowedLabels(request) });
}

/** Asks for more and more chunks until they belong to enough memories, or none are left. */
function searchUntilEnough(request: NearestRequest, options: { readonly allow?: Int32Array }): Candidate[] {
  const { index, vector, limit } = request;
  for (let count = limit * CHUNKS_PER_MEMORY; ; count *= 4) {
    const hits = index.search(vector, count, options);
    const best = bestChunks(request, hits);
    if (best.length >= limit || hits.length < count) return best;
  }
}

/** Counts no further than it must. */
function isBroad({ connection, filter }: NearestRequest): boolean {
  const enough = Math.ceil(readLedger(connection).live * BROAD_PART);
  const condition = filterCondition(filter, true);
  const row = new Query<SqlValue[], { count: number }>(
    `SELECT count(*) AS count FROM (
       SELECT 1 FROM memory m WHERE m.state = 'live' AND ${condition.sql} LIMIT ?)`,
  ).get(connection, ...condition.parameters, enough);
  return (row?.count ?? 0) >= enough;
}

/**
 * Takes from the nearest chunks of all those that pass the filter. When they are enough, the answer is exact and
 * a set of nearly all labels need not be made; null when they are not.
 */
function tryNearest(request: NearestRequest): Candidate[] | null {
  const count = request.limit * TRIED_PER_MEMORY;
  const hits = request.index.search(request.vector, count);
  const best = bestChunks(request, hits);
  return best.length >= request.limit || hits.length < count ? best : null;
}

/** The memories of the hits that pass the filter, in the order of the hits, each with its best chunk. */
function bestChunks({ connection, filter, limit }: NearestRequest, hits: readonly VectorHit[]): Candidate[] {
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
function allowedLabels({ connection, filter, model }: NearestRequest): Int32Array {
  const condition = filterCondition(filter, true);
  const row = new Query<SqlValue[], { labels: string }>(
    `SELECT json_group_array(c.label) AS labels
     FROM memory m CROSS JOIN chunk c ON c.version = m.current AND c.model = ?
     WHERE m.state = 'live' AND ${condition.sql}`,
  ).get(connection, model, ...condition.parameters);
  return Int32Array.from(JSON.parse(row?.labels ?? '[]') as number[]);
}
