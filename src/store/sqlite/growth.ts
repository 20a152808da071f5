import { TimeZone } from '../../util/time-zone.ts';
import type { DayCount } from '../memory-store.ts';
import type { Connection } from './connection.ts';
import { Query } from './query.ts';

/** By minutes, for no zone begins a day within one. */
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
