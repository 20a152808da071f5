import { statSync } from 'node:fs';
import type { EmbeddingModelId } from '../../embedding/embedder.ts';
import { TimeZone } from '../../util/time-zone.ts';
import type { DayCount, StoreStats } from '../memory-store.ts';
import { type Connection, Query } from './connection.ts';
import { countedDays, QUARTER, QUARTERS, readCounts } from './counts.ts';
import { countHidden } from './hidden.ts';
import { findModel } from './models.ts';
import { countWithoutTokens } from './token-vectors.ts';
import { readDigests, readTotals } from './totals.ts';

/** The oldest and the newest are two statements, because SQLite uses an index for only one of min and max. */
const selectOldest = new Query<[], { at: number | null }>(
  `SELECT min(created_at) AS at FROM memory WHERE state = 'live'`,
);
const selectNewest = new Query<[], { at: number | null }>(
  `SELECT max(created_at) AS at FROM memory WHERE state = 'live'`,
);
const selectPendingCounts = new Query<[], { id: number; modelId: string; pending: number }>(
  `SELECT m.id, m.model_id AS modelId, coalesce(p.count, 0) AS pending
   FROM model m LEFT JOIN pending_count p ON p.model = m.id ORDER BY m.id`,
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
    embedded: models.find(({ id }) => id === model)?.memories ?? 0,
    withoutTokens: model === undefined ? 0 : countWithoutTokens(connection, model),
    otherModels: models
      .filter(({ id, memories }) => id !== model && memories > 0)
      .map(({ modelId, memories }) => ({ modelId, memories })),
    ...readCounts(connection),
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

const DAY_MS = 86_400_000;
const CALENDAR_DAY = /^\d{4}-/;
/** The days of the years 0000 to 9999 in every zone, in days since 1970. */
const FIRST_DAY = Date.parse('0000-01-01T00:00:00Z') / DAY_MS - 2;
const LAST_DAY = Date.parse('9999-12-31T00:00:00Z') / DAY_MS + 2;

const selectTimes = new Query<[from: number, to: number], { at: number }>(
  `SELECT created_at AS at FROM memory WHERE state = 'live' AND created_at >= ? AND created_at < ?`,
);

export function readGrowth(connection: Connection, timeZone: string): DayCount[] {
  const zone = new TimeZone(timeZone);
  const counts = new Map<string, number>();
  const add = (day: string, count: number): void => {
    if (CALENDAR_DAY.test(day)) counts.set(day, (counts.get(day) ?? 0) + count);
  };
  for (const { day, quarters } of countedDays(connection, FIRST_DAY, LAST_DAY)) {
    const start = day * DAY_MS;
    const dayAt = zone.daysWithin(start, start + DAY_MS);
    for (let quarter = 0; quarter < QUARTERS; quarter += 1) {
      const count = quarters[quarter];
      if (count === undefined) continue;
      const from = start + quarter * QUARTER;
      const name = dayAt(from);
      if (name === dayAt(from + QUARTER - 1)) add(name, count);
      // A day begins in the middle of the quarter hour, as before zones had whole offsets.
      else for (const { at } of selectTimes.all(connection, from, from + QUARTER)) add(zone.day(at), 1);
    }
  }
  return [...counts].map(([day, count]) => ({ day, count })).sort((a, b) => (a.day < b.day ? -1 : 1));
}
