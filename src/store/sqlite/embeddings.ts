import type { CarriedChunk, CarriedVectors } from '../../backup/ports.ts';
import type { EmbeddingModelId } from '../../embedding/embedder.ts';
import { decodeVector, dequantizeInto } from '../../embedding/quantization.ts';
import { InvalidInputError } from '../../errors/input-errors.ts';
import type { EmbeddingWrite, MemoryVector, PendingEmbedding } from '../memory-store.ts';
import { type Connection, Query } from './connection.ts';
import type { StoredMemory, StoredVersion } from './rows.ts';
import { Totals } from './totals.ts';

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
const selectModelById = new Query<[id: number], ModelRow>(
  'SELECT id, model_id, dimension, weights_hash FROM model WHERE id = ?',
);
const findChunk = new Query<[version: number, model: number], { label: number }>(
  'SELECT label FROM chunk WHERE version = ? AND model = ? LIMIT 1',
);
const countModels = new Query<[], { models: number }>('SELECT count(*) AS models FROM model');

/** The vectors of one version in the form in which snapshots carry them. */
export function readCarriedVectors(connection: Connection, versionKey: number): CarriedVectors[] {
  const byModel = new Map<number, CarriedChunk[]>();
  for (const { model, start_offset, end_offset, vector } of selectChunks.all(connection, versionKey)) {
    const chunks = byModel.get(model) ?? [];
    chunks.push({ start: start_offset, end: end_offset, vector });
    byModel.set(model, chunks);
  }
  return [...byModel].flatMap(([id, chunks]) => {
    const row = selectModelById.get(connection, id);
    if (row === undefined) return [];
    const modelId = { modelId: row.model_id, dimension: row.dimension, weightsHash: row.weights_hash };
    return { modelId, chunks };
  });
}

/** Limit on models from other machines, because every live memory becomes pending for each known model. */
const MAX_MODELS = 16;

function knownModel(connection: Connection, modelId: CarriedVectors['modelId']): number | undefined {
  const known = findModel(connection, modelId);
  if (known !== undefined) return known;
  const { models } = countModels.get(connection) ?? { models: 0 };
  return models < MAX_MODELS ? ensureModel(connection, modelId) : undefined;
}

/**
 * Adds the carried vectors to a version, for each model of which it has no vectors yet.
 * @returns true when vectors were added
 */
export function attachVectors(
  connection: Connection,
  version: { readonly key: number; readonly num: number; readonly isCurrent: boolean },
  vectors: readonly CarriedVectors[],
): boolean {
  let added = false;
  for (const { modelId, chunks } of vectors) {
    if (chunks.length === 0) continue;
    const model = knownModel(connection, modelId);
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

/** Bytes of the scale, which stands before the components of an encoded vector (src/embedding/quantization.ts). */
export const SCALE_BYTES = 4;

const selectPending = new Query<
  [model: number, now: number, limit: number],
  { num: number; versionKey: number; id: string; text: string }
>(
  `SELECT p.num, m.current AS versionKey, m.id, v.text
   FROM pending p JOIN memory m ON m.num = p.num JOIN version v ON v.key = m.current
   WHERE p.model = ? AND p.leased_until <= ? ORDER BY p.num LIMIT ?`,
);
const hasPending = new Query<[model: number, now: number], { num: number }>(
  'SELECT num FROM pending WHERE model = ? AND leased_until <= ? LIMIT 1',
);
const updateLease = new Query<[until: number, model: number, num: number]>(
  'UPDATE pending SET leased_until = ? WHERE model = ? AND num = ?',
);
const deletePending = new Query<[model: number, num: number]>(
  'DELETE FROM pending WHERE model = ? AND num = ?',
);
const selectLiveVersion = new Query<[key: number], { num: number }>(
  `SELECT m.num FROM version v JOIN memory m ON m.num = v.num
   WHERE v.key = ? AND m.current = v.key AND m.state = 'live'`,
);
const deleteChunks = new Query<[version: number, model: number]>(
  'DELETE FROM chunk WHERE version = ? AND model = ?',
);
const insertChunk = new Query<
  [version: number, model: number, start: number, end: number, vector: Uint8Array]
>('INSERT INTO chunk (version, model, start_offset, end_offset, vector) VALUES (?, ?, ?, ?, ?)');
const updateSequence = new Query<[sequence: number, num: number]>(
  'UPDATE memory SET sequence = ? WHERE num = ?',
);
const countOtherEmbedded = new Query<[model: number], { count: number }>(
  'SELECT count(DISTINCT version) AS count FROM chunk WHERE model <> ?',
);
const dropOthers = ['chunk', 'pending'].map(
  (table) => new Query<[model: number]>(`DELETE FROM ${table} WHERE model <> ?`),
);
const dropOtherModels = new Query<[model: number]>('DELETE FROM model WHERE id <> ?');

/** True when a claim may return memories. It is asked first, because a claim needs the write lock. */
export function mayClaim(connection: Connection, modelId: EmbeddingModelId, now: number): boolean {
  const model = findModel(connection, modelId);
  return model === undefined || hasPending.get(connection, model, now) !== undefined;
}

export function claimPending(
  connection: Connection,
  modelId: EmbeddingModelId,
  request: { readonly now: number; readonly limit: number; readonly leaseMs: number },
): PendingEmbedding[] {
  const model = ensureModel(connection, modelId);
  const rows = selectPending.all(connection, model, request.now, request.limit);
  for (const { num } of rows) updateLease.run(connection, request.now + request.leaseMs, model, num);
  return rows.map(({ versionKey, id, text }) => ({ versionKey, id, text }));
}

/** Ignores versions that are not current any more. @returns how many versions got vectors */
export function storeEmbeddings(
  connection: Connection,
  modelId: EmbeddingModelId,
  writes: readonly EmbeddingWrite[],
): number {
  const model = ensureModel(connection, modelId);
  const totals = Totals.load(connection);
  let stored = 0;
  for (const { versionKey, chunks } of writes) {
    const memory = selectLiveVersion.get(connection, versionKey);
    if (memory === undefined || chunks.length === 0) continue;
    deleteChunks.run(connection, versionKey, model);
    for (const { start, end, vector } of chunks) {
      insertChunk.run(connection, versionKey, model, start, end, vector);
    }
    deletePending.run(connection, model, memory.num);
    updateSequence.run(connection, totals.nextSequence(), memory.num);
    stored += 1;
  }
  totals.save(connection);
  return stored;
}

/** @throws InvalidInputError when the size of a vector does not fit the model's dimension */
export function checkEmbeddings(modelId: EmbeddingModelId, writes: readonly EmbeddingWrite[]): void {
  const size = SCALE_BYTES + modelId.dimension;
  writes.forEach(({ chunks }, index) => {
    const wrong = chunks.find(({ vector }) => vector.length !== size);
    if (wrong === undefined) return;
    throw new InvalidInputError(
      `writes[${index}].chunks`,
      `has a vector of ${wrong.vector.length} bytes`,
      `allowed are exactly ${size}: 4 for the scale and 1 for each dimension`,
    );
  });
}

/** @returns how many memories lost vectors */
export function dropOtherModelVectors(connection: Connection, modelId: EmbeddingModelId): number {
  const model = ensureModel(connection, modelId);
  const count = countOtherEmbedded.get(connection, model)?.count ?? 0;
  for (const drop of dropOthers) drop.run(connection, model);
  dropOtherModels.run(connection, model);
  return count;
}

const selectModel = new Query<[modelId: string, dimension: number, weightsHash: string], { id: number }>(
  'SELECT id FROM model WHERE model_id = ? AND dimension = ? AND weights_hash = ?',
);
const insertModel = new Query<[modelId: string, dimension: number, weightsHash: string]>(
  'INSERT INTO model (model_id, dimension, weights_hash) VALUES (?, ?, ?)',
);
const insertAllPending = new Query<[model: number]>(
  `INSERT INTO pending (model, num, leased_until) SELECT ?, num, 0 FROM memory WHERE state = 'live'`,
);

/** Row id of a model; undefined when the store does not know the model. Row ids are never used twice. */
export function findModel(connection: Connection, modelId: EmbeddingModelId): number | undefined {
  return selectModel.get(connection, modelId.modelId, modelId.dimension, modelId.weightsHash)?.id;
}

/** Registers a model when it is new; from then on, each live memory without its vectors is pending. */
function ensureModel(connection: Connection, modelId: EmbeddingModelId): number {
  const known = findModel(connection, modelId);
  if (known !== undefined) return known;
  const { rowId } = insertModel.run(connection, modelId.modelId, modelId.dimension, modelId.weightsHash);
  insertAllPending.run(connection, rowId);
  return rowId;
}

/** With `min` SQLite takes the other columns from the row with the minimum. */
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
  modelId: EmbeddingModelId,
  ids: readonly string[],
): MemoryVector[] {
  const model = findModel(connection, modelId);
  if (model === undefined) return [];
  return selectVectors.all(connection, model, JSON.stringify(ids)).map(({ id, vector, chunks }) => {
    const components = new Float32Array(modelId.dimension);
    dequantizeInto(components, 0, decodeVector(vector, modelId.dimension));
    return { id, vector: components, chunks };
  });
}

const moveChunks = new Query<[to: number, from: number]>('UPDATE chunk SET version = ? WHERE version = ?');
const deleteOwnedChunks = new Query<[version: number]>('DELETE FROM chunk WHERE version = ?');
const deleteOwnedPending = new Query<[num: number]>(
  'DELETE FROM pending WHERE model IN (SELECT id FROM model) AND num = ?',
);
const insertPending = new Query<[num: number, version: number]>(
  `INSERT INTO pending (model, num, leased_until)
   SELECT id, ?, 0 FROM model
   WHERE NOT EXISTS (SELECT 1 FROM chunk WHERE chunk.version = ? AND chunk.model = model.id)`,
);

interface Settled extends StoredMemory {
  readonly current: StoredVersion;
  /** The current version before the change. */
  readonly previous: StoredVersion | null;
}

/**
 * Updates the vectors of a memory after its siblings changed. Vectors belong to a version and are expensive, so they
 * move to the new version while the text stays the same, also into the trash and back. Vectors of versions that are
 * no siblings any more are removed. A live memory without vectors of a known model becomes pending.
 */
export function settleVectors(connection: Connection, before: StoredMemory | null, after: Settled): void {
  const { current, previous } = after;
  const sameText = previous !== null && previous.text === current.text;
  if (previous !== null && sameText && previous.key !== current.key) {
    moveChunks.run(connection, current.key, previous.key);
  }
  for (const version of before?.siblings ?? []) {
    const kept = after.siblings.find((sibling) => sibling.key === version.key);
    if (kept === undefined || kept.text !== version.text) deleteOwnedChunks.run(connection, version.key);
  }
  if (sameText && previous.state === current.state) return;
  deleteOwnedPending.run(connection, after.num);
  if (current.state === 'live') insertPending.run(connection, after.num, current.key);
}
