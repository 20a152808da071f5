import type { ModelStamp } from '../../embedding/embedder.ts';
import { decodeVector, dequantizeInto } from '../../embedding/quantization.ts';
import type { MemoryVector } from '../memory-store.ts';
import type { Connection } from './connection.ts';
import { findModel } from './models.ts';
import { Query } from './query.ts';

/** SQLite gives the other columns of the row that has the minimum. */
const selectVectors = new Query<
  [model: number, ids: string],
  { id: string; vector: Uint8Array; chunks: number; first: number }
>(
  `SELECT m.id, c.vector, count(*) AS chunks, min(c.label) AS first
   FROM json_each(?2) wanted CROSS JOIN memory m ON m.id = wanted.value
     CROSS JOIN chunk c ON c.version = m.current AND c.model = ?1
   WHERE m.state = 'live' GROUP BY m.num`,
);

export function readVectors(
  connection: Connection,
  stamp: ModelStamp,
  ids: readonly string[],
): MemoryVector[] {
  const model = findModel(connection, stamp);
  if (model === undefined) return [];
  return selectVectors.all(connection, model, JSON.stringify(ids)).map(({ id, vector, chunks }) => {
    const components = new Float32Array(stamp.dimension);
    dequantizeInto(components, 0, decodeVector(vector, stamp.dimension));
    return { id, vector: components, chunks };
  });
}
