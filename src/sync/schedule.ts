import { Cron } from 'croner';

/** Milliseconds from `now` to the next time of a cron schedule, in local time; null when there is none. */
export function untilNext(schedule: string, now: number): number | null {
  const next = new Cron(schedule, { paused: true }).nextRun(new Date(now));
  return next === null ? null : Math.max(0, next.getTime() - now);
}
