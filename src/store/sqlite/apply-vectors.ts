import type { EmbeddingModelId } from '../../embedding/embedder.ts';
import type { VectorPage } from '../shared-log.ts';
import { type Connection, Query } from './connection.ts';
import { registerModel } from './models.ts';

/** A version may be gone since its memory was read, or be replaced; its memory comes again in that case. */
const insertChunks = new Query<[rows: string, vectors: Uint8Array]>(
  `INSERT INTO chunk (version, model, start_offset, end_offset, vector)
   SELECT v.key, e.value ->> 2, e.value ->> 3, e.value ->> 4, substr(?2, 1 + (e.value ->> 5), e.value ->> 6)
   FROM json_each(?1) e CROSS JOIN version v ON v.machine = e.value ->> 0 AND v.n = e.value ->> 1
   WHERE v.sibling = 1`,
);
const insertPending = new Query<[until: number]>(
  `INSERT OR IGNORE INTO pending (model, num, leased_until, later)
   SELECT o.id, m.num, ?, m.kind = 'conversation' FROM memory m CROSS JOIN model o
   WHERE m.state = 'live' AND NOT EXISTS (SELECT 1 FROM chunk c WHERE c.version = m.current AND c.model = o.id)`,
);

/** Adds vectors to versions that have none yet. `endVectors` follows after the last page. */
export function applyVectors(connection: Connection, { rows, vectors }: VectorPage): void {
  const models = new Map<string, number | undefined>();
  const modelOf = (modelId: EmbeddingModelId): number | undefined => {
    const key = JSON.stringify([modelId.modelId, modelId.dimension, modelId.weightsHash]);
    if (!models.has(key)) models.set(key, registerModel(connection, modelId));
    return models.get(key);
  };
  const chunks = rows.flatMap(({ dot, modelId, starts, ends, at, bytes }) => {
    const model = modelOf(modelId);
    if (model === undefined) return [];
    const size = bytes / Math.max(starts.length, 1);
    return starts.map((start, place) => [
      ...[dot.machine, dot.n, model, start],
      ...[ends[place] ?? start, at + place * size, size],
    ]);
  });
  insertChunks.run(connection, JSON.stringify(chunks), vectors);
}

/** Notes the memories that have no vectors. @param leasedUntil they wait so long, because another store may make them */
export function endVectors(connection: Connection, leasedUntil: number): void {
  insertPending.run(connection, leasedUntil);
}
