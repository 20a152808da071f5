import type { ModelStamp } from '../../embedding/embedder.ts';
import { InvalidInputError } from '../../errors/input-errors.ts';
import type { EmbeddingWrite, PendingEmbedding } from '../memory-store.ts';
import type { Connection } from './connection.ts';
import { Ledger } from './ledger.ts';
import { ensureModel, findModel } from './models.ts';
import { Query } from './query.ts';

/** Bytes before the components of an encoded vector, see src/embedding/quantization.ts. */
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

/** True when a claim could return something; asked first, because a claim needs the write lock. */
export function mayClaim(connection: Connection, stamp: ModelStamp, now: number): boolean {
  const model = findModel(connection, stamp);
  return model === undefined || hasPending.get(connection, model, now) !== undefined;
}

export function claimPending(
  connection: Connection,
  stamp: ModelStamp,
  request: { readonly now: number; readonly limit: number; readonly leaseMs: number },
): PendingEmbedding[] {
  const model = ensureModel(connection, stamp);
  const rows = selectPending.all(connection, model, request.now, request.limit);
  for (const { num } of rows) updateLease.run(connection, request.now + request.leaseMs, model, num);
  return rows.map(({ versionKey, id, text }) => ({ versionKey, id, text }));
}

/** @returns how many versions were stored; those that are not current any more are left out */
export function storeEmbeddings(
  connection: Connection,
  stamp: ModelStamp,
  writes: readonly EmbeddingWrite[],
): number {
  const model = ensureModel(connection, stamp);
  const ledger = Ledger.load(connection);
  let stored = 0;
  for (const { versionKey, chunks } of writes) {
    const memory = selectLiveVersion.get(connection, versionKey);
    if (memory === undefined || chunks.length === 0) continue;
    deleteChunks.run(connection, versionKey, model);
    for (const { start, end, vector } of chunks) {
      insertChunk.run(connection, versionKey, model, start, end, vector);
    }
    deletePending.run(connection, model, memory.num);
    updateSequence.run(connection, ledger.nextSequence(), memory.num);
    stored += 1;
  }
  ledger.save(connection);
  return stored;
}

/** @throws InvalidInputError when a vector has not the size that the model's dimension asks for */
export function checkEmbeddings(stamp: ModelStamp, writes: readonly EmbeddingWrite[]): void {
  const size = SCALE_BYTES + stamp.dimension;
  writes.forEach(({ chunks }, index) => {
    const wrong = chunks.find(({ vector }) => vector.length !== size);
    if (wrong === undefined) return;
    throw new InvalidInputError(
      `writes[${index}].chunks`,
      `has a vector of ${wrong.vector.length} bytes`,
      `allowed are exactly ${size}, 4 for the scale and one for each dimension`,
    );
  });
}

/** @returns how many memories lost vectors */
export function dropOtherModelVectors(connection: Connection, stamp: ModelStamp): number {
  const model = ensureModel(connection, stamp);
  const count = countOtherEmbedded.get(connection, model)?.count ?? 0;
  for (const drop of dropOthers) drop.run(connection, model);
  dropOtherModels.run(connection, model);
  return count;
}
