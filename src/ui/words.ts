/** Numbers and times for people. */

const dates = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });

const UNITS: readonly (readonly [unit: Intl.RelativeTimeFormatUnit, milliseconds: number])[] = [
  ['year', 31_557_600_000],
  ['month', 2_629_800_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
];

export function exactTime(time: string): string {
  return dates.format(new Date(time));
}

/** For example `2 hours ago`. */
export function ago(time: string): string {
  const passed = new Date(time).getTime() - Date.now();
  const unit = UNITS.find(([, length]) => Math.abs(passed) >= length);
  return unit === undefined ? 'just now' : relative.format(Math.round(passed / unit[1]), unit[0]);
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString()} ${number === 1 ? one : many}`;
}

export function bytes(number: number): string {
  if (number < 1_024) return `${number} B`;
  return number < 1_048_576 ? `${(number / 1_024).toFixed(1)} KiB` : `${(number / 1_048_576).toFixed(1)} MiB`;
}

/** The tags in a text with commas between. */
export function parseTags(text: string): string[] {
  return text
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
}
