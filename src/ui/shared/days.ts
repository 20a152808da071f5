interface Shift {
  readonly daysLater?: number;
  readonly milliseconds?: number;
}

/**
 * The exact time of the beginning of a day in the browser's time zone, which may differ from the server's. The end of a
 * day is the moment before the next one begins, because a day can have 23 or 25 hours. Empty for a text that is no day.
 */
export function startOfDay(day: string, { daysLater = 0, milliseconds = 0 }: Shift = {}): string {
  const [year, month, date] = day.split('-').map(Number);
  if (year === undefined || month === undefined || date === undefined) return '';
  const start = new Date(2000, 0, 1);
  start.setFullYear(year, month - 1, date + daysLater);
  const at = new Date(start.getTime() + milliseconds);
  return Number.isNaN(at.getTime()) ? '' : at.toISOString();
}

/** The browser's day at so many milliseconds behind a time, `YYYY-MM-DD`; empty for a text that is no time. */
export function dayOf(time: string, milliseconds: number): string {
  const at = new Date(new Date(time).getTime() + milliseconds);
  if (Number.isNaN(at.getTime())) return '';
  const two = (number: number): string => String(number).padStart(2, '0');
  return `${String(at.getFullYear()).padStart(4, '0')}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}
