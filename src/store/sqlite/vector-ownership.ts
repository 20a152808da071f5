import type { Connection } from './connection.ts';
import { Query } from './query.ts';
import type { StoredMemory } from './stored-memory.ts';
import type { StoredVersion } from './stored-version.ts';

const moveChunks = new Query<[to: number, from: number]>('UPDATE chunk SET version = ? WHERE version = ?');
const deleteChunks = new Query<[version: number]>('DELETE FROM chunk WHERE version = ?');
const deletePending = new Query<[num: number]>(
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
 * Vectors belong to a version and are dear, so they move to the next version as long as the text stays the
 * same (also into the trash and back). Vectors of versions that are no siblings any more are removed, and a
 * live memory that lacks vectors of a known model is noted as pending.
 */
export function settleVectors(connection: Connection, before: StoredMemory | null, after: Settled): void {
  const { current, previous } = after;
  const sameText = previous !== null && previous.text === current.text;
  if (previous !== null && sameText && previous.key !== current.key) {
    moveChunks.run(connection, current.key, previous.key);
  }
  for (const version of before?.siblings ?? []) {
    const kept = after.siblings.find((sibling) => sibling.key === version.key);
    if (kept === undefined || kept.text !== version.text) deleteChunks.run(connection, version.key);
  }
  if (sameText && previous.state === current.state) return;
  deletePending.run(connection, after.num);
  if (current.state === 'live') insertPending.run(connection, after.num, current.key);
}
