import { statSync } from 'node:fs';
import type { ModelStamp } from '../../embedding/embedder.ts';
import type { StoreStats } from '../memory-store.ts';
import type { Connection } from './connection.ts';
import { readDigests, readLedger } from './ledger.ts';
import { findModel } from './models.ts';
import { Query } from './query.ts';

const selectTags = new Query<[], { tag: string; count: number }>(
  'SELECT tag, count(*) AS count FROM tag WHERE live = 1 GROUP BY tag ORDER BY count DESC, tag LIMIT 50',
);
const selectSources = new Query<[], { source: string; count: number }>(
  `SELECT source, count(*) AS count FROM memory WHERE state = 'live' AND source <> ''
   GROUP BY source ORDER BY count DESC, source LIMIT 20`,
);
/** Two statements, because SQLite uses an index for one minimum or maximum at a time. */
const selectOldest = new Query<[], { at: number | null }>(
  `SELECT min(created_at) AS at FROM memory WHERE state = 'live'`,
);
const selectNewest = new Query<[], { at: number | null }>(
  `SELECT max(created_at) AS at FROM memory WHERE state = 'live'`,
);
const selectPendingCounts = new Query<[], { id: number; modelId: string; pending: number }>(
  `SELECT id, model_id AS modelId, (SELECT count(*) FROM pending WHERE pending.model = model.id) AS pending
   FROM model ORDER BY id`,
);

export function readStats(connection: Connection, stamp: ModelStamp | undefined): StoreStats {
  const { machine, live, trash, conflicts, sequence } = readLedger(connection);
  const model = stamp === undefined ? undefined : findModel(connection, stamp);
  const models = selectPendingCounts
    .all(connection)
    .map(({ id, modelId, pending }) => ({ id, modelId, memories: live - pending }));
  return {
    machineId: machine,
    live,
    trash,
    conflicts,
    sequence,
    embedded: models.find(({ id }) => id === model)?.memories ?? 0,
    otherModels: models
      .filter(({ id, memories }) => id !== model && memories > 0)
      .map(({ modelId, memories }) => ({ modelId, memories })),
    tags: selectTags.all(connection).map(({ tag, count }) => ({ tag, count })),
    sources: selectSources.all(connection).map(({ source, count }) => ({ source, count })),
    oldest: selectOldest.get(connection)?.at ?? null,
    newest: selectNewest.get(connection)?.at ?? null,
    bytes: fileSizes(connection.path),
    schemaVersion: connection.integerPragma('user_version'),
    ...readDigests(connection),
  };
}

function fileSizes(path: string): number {
  return ['', '-wal', '-shm'].reduce(
    (sum, suffix) => sum + (statSync(path + suffix, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}
