import { statSync } from 'node:fs';
import type { EmbeddingModelId } from '../../embedding/embedder.ts';
import { TimeZone } from '../../util/time-zone.ts';
import type { DayCount, StoreStats } from '../memory-store.ts';
import { type Connection, Query } from './connection.ts';
import { countHidden } from './hidden.ts';
import { findModel } from './models.ts';
import { countWithoutTokens } from './token-vectors.ts';
import { readDigests, readTotals } from './totals.ts';

const selectTags = new Query<[], { tag: string; count: number }>(
  'SELECT tag, count(*) AS count FROM tag WHERE live = 1 GROUP BY tag ORDER BY count DESC, tag LIMIT 50',
);
const selectSources = new Query<[], { source: string; count: number }>(
  `SELECT source, count(*) AS count FROM memory WHERE state = 'live' AND source <> ''
   GROUP BY source ORDER BY count DESC, source LIMIT 20`,
);
/** The oldest and the newest are two statements, because SQLite uses an index for only one of min and max. */
const selectOldest = new Query<[], { at: number | null }>(
  `SELECT min(created_at) AS at FROM memory WHERE state = 'live'`,
);
const selectNewest = new Query<[], { at: number | null }>(
  `SELECT max(created_at) AS at FROM memory WHERE state = 'live'`,
);
const countTurns = new Query<[], { count: number }>(
  `SELECT count(*) AS count FROM memory WHERE state = 'live' AND kind = 'conversation'`,
);
const countConversations = new Query<[], { count: number }>(
  `SELECT count(*) AS count FROM (SELECT DISTINCT client, session FROM memory
     WHERE session IS NOT NULL AND state = 'live')`,
);
const selectPendingCounts = new Query<[], { id: number; modelId: string; pending: number }>(
  `SELECT id, model_id AS modelId, (SELECT count(*) FROM pending WHERE pending.model = model.id) AS pending
   FROM model ORDER BY id`,
);

export function readStats(connection: Connection, modelId: EmbeddingModelId | undefined): StoreStats {
  const { machine, live, trash, conflicts, sequence } = readTotals(connection);
  const model = modelId === undefined ? undefined : findModel(connection, modelId);
  const models = selectPendingCounts
    .all(connection)
    .map(({ id, modelId, pending }) => ({ id, modelId, memories: live - pending }));
  return {
    machineId: machine,
    live,
    trash,
    hidden: countHidden(connection),
    conflicts,
    sequence,
    turns: countTurns.get(connection)?.count ?? 0,
    conversations: countConversations.get(connection)?.count ?? 0,
    embedded: models.find(({ id }) => id === model)?.memories ?? 0,
    withoutTokens: model === undefined ? 0 : countWithoutTokens(connection, model),
    otherModels: models
      .filter(({ id, memories }) => id !== model && memories > 0)
      .map(({ modelId, memories }) => ({ modelId, memories })),
    tags: selectTags.all(connection).map(({ tag, count }) => ({ tag, count })),
    sources: selectSources.all(connection).map(({ source, count }) => ({ source, count })),
    oldest: selectOldest.get(connection)?.at ?? null,
    newest: selectNewest.get(connection)?.at ?? null,
    bytes: fileSizes(connection.path),
    usedBytes: pagesInUse(connection) * connection.integerPragma('page_size'),
    schemaVersion: connection.integerPragma('user_version'),
    ...readDigests(connection),
  };
}

function pagesInUse(connection: Connection): number {
  return connection.integerPragma('page_count') - connection.integerPragma('freelist_count');
}

function fileSizes(path: string): number {
  return ['', '-wal', '-shm'].reduce(
    (sum, suffix) => sum + (statSync(path + suffix, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}

/** Counts by minute: in every time zone, days begin at a full minute. */
const selectMinutes = new Query<[], { minute: number; count: number }>(
  `SELECT (created_at - (created_at % 60000 + 60000) % 60000) / 60000 AS minute, count(*) AS count
   FROM memory WHERE state = 'live' GROUP BY minute ORDER BY minute`,
);
const MINUTE_MS = 60_000;
const CALENDAR_DAY = /^\d{4}-/;

export function readGrowth(connection: Connection, timeZone: string): DayCount[] {
  const zone = new TimeZone(timeZone);
  const counts = new Map<string, number>();
  for (const { minute, count } of selectMinutes.all(connection)) {
    const day = zone.day(minute * MINUTE_MS);
    if (CALENDAR_DAY.test(day)) counts.set(day, (counts.get(day) ?? 0) + count);
  }
  return [...counts].map(([day, count]) => ({ day, count })).sort((a, b) => (a.day < b.day ? -1 : 1));
}
