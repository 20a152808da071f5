import type { CarriedChunk, CarriedVectors } from '../../backup/ports.ts';
import type { Connection } from './connection.ts';
import { ensureModel, findModel } from './models.ts';
import { Query } from './query.ts';

interface ChunkRow {
  model: number;
  start_offset: number;
  end_offset: number;
  vector: Uint8Array;
}

interface ModelRow {
  id: number;
  model_id: string;
  dimension: number;
  weights_hash: string;
}

const selectChunks = new Query<[version: number], ChunkRow>(
  `SELECT model, start_offset, end_offset, vector FROM chunk WHERE version = ?
   ORDER BY model, start_offset, label`,
);
const selectModel = new Query<[id: number], ModelRow>(
  'SELECT id, model_id, dimension, weights_hash FROM model WHERE id = ?',
);
const findChunk = new Query<[version: number, model: number], { label: number }>(
  'SELECT label FROM chunk WHERE version = ? AND model = ? LIMIT 1',
);
const insertChunk = new Query<
  [version: number, model: number, start: number, end: number, vector: Uint8Array]
>('INSERT INTO chunk (version, model, start_offset, end_offset, vector) VALUES (?, ?, ?, ?, ?)');
const countModels = new Query<[], { models: number }>('SELECT count(*) AS models FROM model');
const deletePending = new Query<[model: number, num: number]>(
  'DELETE FROM pending WHERE model = ? AND num = ?',
);

/** The vectors of one version, as they travel. */
export function readCarriedVectors(connection: Connection, versionKey: number): CarriedVectors[] {
  const byModel = new Map<number, CarriedChunk[]>();
  for (const { model, start_offset, end_offset, vector } of selectChunks.all(connection, versionKey)) {
    const chunks = byModel.get(model) ?? [];
    chunks.push({ start: start_offset, end: end_offset, vector });
    byModel.set(model, chunks);
  }
  return [...byModel].flatMap(([id, chunks]) => {
    const row = selectModel.get(connection, id);
    if (row === undefined) return [];
    const stamp = { modelId: row.model_id, dimension: row.dimension, weightsHash: row.weights_hash };
    return { stamp, chunks };
  });
}

/** Each known model makes every memory wait for its vectors, so strangers cannot make it as many as they like. */
const MAX_MODELS = 16;

function knownModel(connection: Connection, stamp: CarriedVectors['stamp']): number | undefined {
  const known = findModel(connection, stamp);
  if (known !== undefined) return known;
  const { models } = countModels.get(connection) ?? { models: 0 };
  return models < MAX_MODELS ? ensureModel(connection, stamp) : undefined;
}

/**
 * Gives a version the vectors that came with it, of every model that it has none of yet.
 * @returns true when anything was added
 */
export function attachVectors(
  connection: Connection,
  version: { readonly key: number; readonly num: number; readonly isCurrent: boolean },
  vectors: readonly CarriedVectors[],
): boolean {
  let added = false;
  for (const { stamp, chunks } of vectors) {
    if (chunks.length === 0) continue;
    const model = knownModel(connection, stamp);
    if (model === undefined) continue;
    if (findChunk.get(connection, version.key, model) !== undefined) continue;
    for (const { start, end, vector } of chunks) {
      insertChunk.run(connection, version.key, model, start, end, vector);
    }
    if (version.isCurrent) deletePending.run(connection, model, version.num);
    added = true;
  }
  return added;
}
