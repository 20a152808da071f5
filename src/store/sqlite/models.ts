import type { EmbeddingModelId } from '../../embedding/embedder.ts';
import { type Connection, Query } from './connection.ts';

interface ModelRow {
  id: number;
  model_id: string;
  dimension: number;
  weights_hash: string;
}

const selectModelById = new Query<[id: number], ModelRow>(
  'SELECT id, model_id, dimension, weights_hash FROM model WHERE id = ?',
);
const countModels = new Query<[], { models: number }>('SELECT count(*) AS models FROM model');

const selectModel = new Query<[modelId: string, dimension: number, weightsHash: string], { id: number }>(
  'SELECT id FROM model WHERE model_id = ? AND dimension = ? AND weights_hash = ?',
);
const insertModel = new Query<[modelId: string, dimension: number, weightsHash: string]>(
  'INSERT INTO model (model_id, dimension, weights_hash) VALUES (?, ?, ?)',
);
const insertAllPending = new Query<[model: number]>(
  `INSERT INTO pending (model, num, leased_until, later)
   SELECT ?, num, 0, kind = 'conversation' FROM memory WHERE state = 'live'`,
);

/** Row id of a model; undefined when the store does not know the model. Row ids are never used twice. */
export function findModel(connection: Connection, modelId: EmbeddingModelId): number | undefined {
  return selectModel.get(connection, modelId.modelId, modelId.dimension, modelId.weightsHash)?.id;
}

/** Registers a model when it is new; from then on, each live memory without its vectors is pending. */
export function ensureModel(connection: Connection, modelId: EmbeddingModelId): number {
  const known = findModel(connection, modelId);
  if (known !== undefined) return known;
  const { rowId } = insertModel.run(connection, modelId.modelId, modelId.dimension, modelId.weightsHash);
  insertAllPending.run(connection, rowId);
  return rowId;
}

/** The model of a row id. */
export function readModel(connection: Connection, id: number): EmbeddingModelId | undefined {
  const row = selectModelById.get(connection, id);
  return row && { modelId: row.model_id, dimension: row.dimension, weightsHash: row.weights_hash };
}

/** Limit on models from other machines, because every live memory becomes pending for each known model. */
const MAX_MODELS = 16;

/** Like `ensureModel`; undefined for a new model beyond the limit. */
export function knownModel(connection: Connection, modelId: EmbeddingModelId): number | undefined {
  const known = findModel(connection, modelId);
  return known ?? (hasRoom(connection) ? ensureModel(connection, modelId) : undefined);
}

/** Like `knownModel`, and the caller notes which memories are pending for a new one. */
export function registerModel(connection: Connection, modelId: EmbeddingModelId): number | undefined {
  const known = findModel(connection, modelId);
  if (known !== undefined || !hasRoom(connection)) return known;
  return insertModel.run(connection, modelId.modelId, modelId.dimension, modelId.weightsHash).rowId;
}

function hasRoom(connection: Connection): boolean {
  return (countModels.get(connection)?.models ?? 0) < MAX_MODELS;
}
