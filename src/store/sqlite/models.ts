import type { ModelStamp } from '../../embedding/embedder.ts';
import type { Connection } from './connection.ts';
import { Query } from './query.ts';

const selectModel = new Query<[modelId: string, dimension: number, weightsHash: string], { id: number }>(
  'SELECT id FROM model WHERE model_id = ? AND dimension = ? AND weights_hash = ?',
);
const insertModel = new Query<[modelId: string, dimension: number, weightsHash: string]>(
  'INSERT INTO model (model_id, dimension, weights_hash) VALUES (?, ?, ?)',
);
const insertAllPending = new Query<[model: number]>(
  `INSERT INTO pending (model, num, leased_until) SELECT ?, num, 0 FROM memory WHERE state = 'live'`,
);

/** The row of a model; undefined when no vector of it was ever asked for. Row ids are never used twice. */
export function findModel(connection: Connection, stamp: ModelStamp): number | undefined {
  return selectModel.get(connection, stamp.modelId, stamp.dimension, stamp.weightsHash)?.id;
}

/** Makes a model known: from now on every live memory without vectors of it counts as pending. */
export function ensureModel(connection: Connection, stamp: ModelStamp): number {
  const known = findModel(connection, stamp);
  if (known !== undefined) return known;
  const { rowId } = insertModel.run(connection, stamp.modelId, stamp.dimension, stamp.weightsHash);
  insertAllPending.run(connection, rowId);
  return rowId;
}
