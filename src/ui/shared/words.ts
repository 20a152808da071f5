import { relativeTime } from '../../util/text.ts';

/** Numbers and times for people; words in the language of the page. */

const dates = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
const days = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium' });
export function exactTime(time: string): string {
  return dates.format(new Date(time));
}

/** Older times are shown as a date. */
const OLD_MS = 30 * 86_400_000;

/** For example `2 hours ago`. */
export function ago(time: string): string {
  const then = new Date(time).getTime();
  return Math.abs(Date.now() - then) > OLD_MS ? days.format(then) : relativeTime(then, Date.now());
}

/** For example `3 minutes`. */
export function timeLeft(seconds: number): string {
  if (seconds < 120) return count(seconds, 'second');
  return count(Math.round(seconds / 60), 'minute');
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString()} ${number === 1 ? one : many}`;
}

const ordinals = new Intl.PluralRules('en', { type: 'ordinal' });
const ENDINGS: Readonly<Record<string, string>> = { one: 'st', two: 'nd', few: 'rd' };

/** For example `2nd`. */
export function ordinal(number: number): string {
  return `${number}${ENDINGS[ordinals.select(number)] ?? 'th'}`;
}

export function bytes(number: number): string {
  if (number < 1_024) return `${number} B`;
  return number < 1_048_576 ? `${(number / 1_024).toFixed(1)} KiB` : `${(number / 1_048_576).toFixed(1)} MiB`;
}

const BEGINNING = 40;

/** The beginning of a text, long enough to recognise it. */
export function beginning(text: string): string {
  if (text.length <= BEGINNING) return text;
  // The cut may divide a surrogate pair.
  return `${text.slice(0, BEGINNING).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** The tags in a text that is separated by commas. */
export function parseTags(text: string): string[] {
  return text
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
}
