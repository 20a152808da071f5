const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago something was, in the unit that says enough: `12 s ago`, `5 min ago`, `3 h ago`, `9 days ago`. */
export function relativeTime(time: number, now: number): string {
  const age = Math.max(0, now - time);
  if (age < SECOND) return 'just now';
  if (age < 2 * MINUTE) return `${Math.floor(age / SECOND)} s ago`;
  if (age < 2 * HOUR) return `${Math.floor(age / MINUTE)} min ago`;
  if (age < 2 * DAY) return `${Math.floor(age / HOUR)} h ago`;
  return `${Math.floor(age / DAY)} days ago`;
}
