import type { CarriedChunk, CarriedVectors } from '../../backup/ports.ts';
import type { EmbeddingModelId } from '../../embedding/embedder.ts';
import { decodeVector, dequantizeInto } from '../../embedding/quantization.ts';
import { InvalidInputError } from '../../errors/input-errors.ts';
import { attributesOf } from '../../memory/attributes.ts';
import type { ClaimRequest, EmbeddingWrite, MemoryVector, PendingEmbedding } from '../memory-store.ts';
import { type Connection, Query } from './connection.ts';
import { ensureModel, findModel, knownModel, readModel } from './models.ts';
import type { StoredMemory, StoredVersion } from './rows.ts';
import { addTokens, HAS_TOKENS, keepsTokensOf, storeTokens } from './token-vectors.ts';
import { Totals } from './totals.ts';

interface ChunkRow {
  model: number;
  start_offset: number;
  end_offset: number;
  vector: Uint8Array;
}

const selectChunks = new Query<[version: number], ChunkRow>(
  `SELECT model, start_offset, end_offset, vector FROM chunk WHERE version = ?
   ORDER BY model, start_offset, label`,
);
const findChunk = new Query<[version: number, model: number], { label: number }>(
  'SELECT label FROM chunk WHERE version = ? AND model = ? LIMIT 1',
);

/** The vectors of one version in the form in which snapshots carry them. */
export function readCarriedVectors(connection: Connection, versionKey: number): CarriedVectors[] {
  const byModel = new Map<number, CarriedChunk[]>();
  for (const { model, start_offset, end_offset, vector } of selectChunks.all(connection, versionKey)) {
    const chunks = byModel.get(model) ?? [];
    chunks.push({ start: start_offset, end: end_offset, vector });
    byModel.set(model, chunks);
  }
  return [...byModel].flatMap(([id, chunks]) => {
    const modelId = readModel(connection, id);
    return modelId === undefined ? [] : { modelId, chunks };
  });
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
      insertChunk.run(connection, version.key, model, start, end, vector, 0);
    }
    if (version.isCurrent) deletePending.run(connection, model, version.num);
    added = true;
  }
  return added;
}

/**
 * Gives a version exactly the carried vectors. Those that it has already stay, with their token vectors.
 * @returns true when vectors were added
 */
export function setVectors(
  connection: Connection,
  version: { readonly key: number; readonly num: number; readonly isCurrent: boolean },
  vectors: readonly CarriedVectors[],
): boolean {
  const known = readCarriedVectors(connection, version.key);
  for (const { modelId, chunks } of known) {
    const model = findModel(connection, modelId);
    const wanted = vectors.find((other) => sameModel(other.modelId, modelId));
    if (model === undefined || (wanted !== undefined && sameChunks(chunks, wanted.chunks))) continue;
    deleteChunks.run(connection, version.key, model);
  }
  return attachVectors(connection, version, vectors);
}

function sameModel(a: EmbeddingModelId, b: EmbeddingModelId): boolean {
  return a.modelId === b.modelId && a.dimension === b.dimension && a.weightsHash === b.weightsHash;
}

function sameChunks(a: readonly CarriedChunk[], b: readonly CarriedChunk[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ start, end, vector }, place) => {
      const other = b[place];
      return other?.start === start && other.end === end && Buffer.compare(other.vector, vector) === 0;
    })
  );
}

/** Bytes of the scale, which stands before the components of an encoded vector (src/embedding/quantization.ts). */
export const SCALE_BYTES = 4;

const selectPending = new Query<
  [model: number, later: number, now: number, limit: number],
  { num: number; versionKey: number; id: string; text: string }
>(
  `SELECT p.num, m.current AS versionKey, m.id, v.text
   FROM pending p JOIN memory m ON m.num = p.num JOIN version v ON v.key = m.current
   WHERE p.model = ? AND p.later = ? AND p.leased_until <= ? ORDER BY p.num LIMIT ?`,
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
/** The chunks of other versions wait until theirs is current again. */
const selectWithoutTokens = new Query<
  [model: number, now: number, limit: number],
  { versionKey: number; id: string; text: string }
>(
  `SELECT DISTINCT v.key AS versionKey, m.id, v.text
   FROM token_space s CROSS JOIN chunk c INDEXED BY chunk_without_tokens ON c.model = s.model
     CROSS JOIN version v ON v.key = c.version CROSS JOIN memory m ON m.num = v.num
   WHERE s.model = ? AND c.tokens >= 0 AND c.tokens <= ? AND m.current = v.key AND m.state = 'live' LIMIT ?`,
);
const updateTokenLease = new Query<[until: number, version: number, model: number]>(
  'UPDATE chunk SET tokens = ? WHERE version = ? AND model = ? AND tokens >= 0',
);
const selectLiveVersion = new Query<[key: number], { num: number }>(
  `SELECT m.num FROM version v JOIN memory m ON m.num = v.num
   WHERE v.key = ? AND m.current = v.key AND m.state = 'live'`,
);
const deleteChunks = new Query<[version: number, model: number]>(
  'DELETE FROM chunk WHERE version = ? AND model = ?',
);
const insertChunk = new Query<
  [version: number, model: number, start: number, end: number, vector: Uint8Array, tokens: number]
>('INSERT INTO chunk (version, model, start_offset, end_offset, vector, tokens) VALUES (?, ?, ?, ?, ?, ?)');
const selectOffsets = new Query<
  [version: number, model: number],
  { label: number; start: number; end: number; state: number }
>(
  `SELECT label, start_offset AS start, end_offset AS "end", tokens AS state
   FROM chunk WHERE version = ? AND model = ? ORDER BY label`,
);
const updateSequence = new Query<[sequence: number, num: number]>(
  'UPDATE memory SET sequence = ? WHERE num = ?',
);
const selectOtherEmbedded = new Query<[model: number], { num: number }>(
  'SELECT DISTINCT v.num FROM chunk c JOIN version v ON v.key = c.version WHERE c.model <> ?',
);
const dropOthers = ['chunk', 'pending', 'token_space'].map(
  (table) => new Query<[model: number]>(`DELETE FROM ${table} WHERE model <> ?`),
);
const dropOtherModels = new Query<[model: number]>('DELETE FROM model WHERE id <> ?');

const updateLeases = new Query<[until: number, num: number]>(
  'UPDATE pending SET leased_until = ? WHERE model IN (SELECT id FROM model) AND num = ?',
);

/** Keeps a memory from being claimed. @param until milliseconds since the epoch */
export function leasePending(connection: Connection, num: number, until: number): void {
  updateLeases.run(connection, until, num);
}

/** True when a claim may return memories. It is asked first, because a claim needs the write lock. */
export function mayClaim(connection: Connection, request: ClaimRequest, now: number): boolean {
  const model = findModel(connection, request.modelId);
  if (model === undefined || hasPending.get(connection, model, now) !== undefined) return true;
  return request.tokenVectors === true && selectWithoutTokens.get(connection, model, now, 1) !== undefined;
}

export function claimPending(connection: Connection, request: ClaimRequest, now: number): PendingEmbedding[] {
  const model = ensureModel(connection, request.modelId);
  const until = now + request.leaseMs;
  const claimed: PendingEmbedding[] = [];
  const room = (): number => request.limit - claimed.length;
  const claim = (later: 0 | 1): void => {
    if (room() === 0) return;
    for (const { num, ...item } of selectPending.all(connection, model, later, now, room())) {
      updateLease.run(connection, until, model, num);
      claimed.push(item);
    }
  };
  claim(0);
  if (request.tokenVectors === true && room() > 0) {
    for (const item of selectWithoutTokens.all(connection, model, now, room())) {
      updateTokenLease.run(connection, until, item.versionKey, model);
      claimed.push({ ...item, tokensOnly: true });
    }
  }
  // Turns of conversations can be tens of thousands, and no fact waits for them.
  claim(1);
  return claimed;
}

/** Ends the leases of memories that were claimed. */
export function releasePending(
  connection: Connection,
  modelId: EmbeddingModelId,
  versionKeys: readonly number[],
): void {
  const model = findModel(connection, modelId);
  if (model === undefined) return;
  for (const versionKey of versionKeys) {
    const memory = selectLiveVersion.get(connection, versionKey);
    if (memory !== undefined) updateLease.run(connection, 0, model, memory.num);
    updateTokenLease.run(connection, 0, versionKey, model);
  }
}

/** Ignores versions that are not current any more. @returns how many versions got vectors */
export function storeEmbeddings(
  connection: Connection,
  modelId: EmbeddingModelId,
  writes: readonly EmbeddingWrite[],
): number {
  const model = ensureModel(connection, modelId);
  const totals = Totals.load(connection);
  const keepsTokens = keepsTokensOf(connection, model);
  let stored = 0;
  for (const { versionKey, chunks } of writes) {
    const memory = selectLiveVersion.get(connection, versionKey);
    if (memory === undefined || chunks.length === 0) continue;
    if (keepsTokens && completeTokens(connection, { model, versionKey, chunks })) continue;
    deleteChunks.run(connection, versionKey, model);
    for (const { start, end, vector, tokens } of chunks) {
      const kept = keepsTokens ? tokens : undefined;
      const state = kept === undefined ? 0 : HAS_TOKENS;
      const { rowId: label } = insertChunk.run(connection, versionKey, model, start, end, vector, state);
      if (kept !== undefined) storeTokens(connection, { label, model, tokens: kept });
    }
    deletePending.run(connection, model, memory.num);
    updateSequence.run(connection, totals.nextSequence(), memory.num);
    stored += 1;
  }
  totals.save(connection);
  return stored;
}

/**
 * Adds token vectors to chunks that have their vectors, which stay, so that no snapshot has to carry them again.
 * @returns false when the chunks are not the same
 */
function completeTokens(
  connection: Connection,
  { model, versionKey, chunks }: EmbeddingWrite & { readonly model: number },
): boolean {
  const known = selectOffsets.all(connection, versionKey, model);
  const same =
    known.length === chunks.length &&
    known.every(({ start, end }, place) => chunks[place]?.start === start && chunks[place].end === end);
  if (!same || chunks.some(({ tokens }) => tokens === undefined)) return false;
  known.forEach(({ label, state }, place) => {
    const tokens = chunks[place]?.tokens;
    if (tokens !== undefined && state !== HAS_TOKENS) addTokens(connection, { label, model, tokens });
  });
  return true;
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
  const losing = selectOtherEmbedded.all(connection, model);
  for (const { num } of losing) connection.touched.memories.add(num);
  for (const drop of dropOthers) drop.run(connection, model);
  dropOtherModels.run(connection, model);
  return losing.length;
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
const insertPending = new Query<[num: number, later: number, version: number]>(
  `INSERT INTO pending (model, num, leased_until, later)
   SELECT id, ?, 0, ? FROM model
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
  if (current.state !== 'live') return;
  const later = attributesOf(current.metadata).kind === 'conversation' ? 1 : 0;
  insertPending.run(connection, after.num, later, current.key);
}
