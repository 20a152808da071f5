import type { DayCount } from '../memory-store.ts';
import type { Connection } from './connection.ts';
import { Query } from './query.ts';

const selectDays = new Query<[], { day: string; count: number }>(
  `SELECT date(created_at / 1000, 'unixepoch') AS day, count(*) AS count
   FROM memory WHERE state = 'live' GROUP BY day
   HAVING day GLOB '[0-9][0-9][0-9][0-9]-*' ORDER BY min(created_at)`,
);

export function readGrowth(connection: Connection): DayCount[] {
  return selectDays.all(connection).map(({ day, count }) => ({ day, count }));
}
