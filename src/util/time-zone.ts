const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MAX_TIME = 8_640_000_000_000_000;
/** Larger than every offset that a zone ever had, and any change of it. */
const MAX_OFFSET_MS = 26 * HOUR_MS;

/** IANA name of the system's time zone; UTC when the system names none that exists. */
export function systemTimeZone(): string {
  // The name is absent when TZ names an unknown zone, although its type says otherwise.
  const name: string | undefined = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  return typeof name === 'string' && isTimeZone(name) ? name : 'UTC';
}

/** True for names such as `Asia/Tokyo`, in any case. */
export function isTimeZone(name: string): boolean {
  // The first question to the system's calendars takes ten milliseconds.
  if (name === 'UTC') return true;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/**
 * The calendar of a time zone. Days have 23 or 25 hours when clocks change, begin late when midnight is skipped, and
 * can be missing (30 December 2011 in Apia). Times are milliseconds since the epoch; a "local" time is the reading of
 * a wall clock in the zone, interpreted as UTC.
 */
export class TimeZone {
  readonly #find: () => string;
  #name: string | undefined;
  #format: Intl.DateTimeFormat | undefined;
  /** The last requested hour without a change of clocks, and its offset. */
  #known = { hour: NaN, offset: 0 };
  /** The end of the last period of `daysWithin`, because the next one often begins there. */
  #lastEnd = { time: NaN, offset: 0 };

  /**
   * @param zone its name, or what finds it when it is needed: the first question to the system's calendars takes ten milliseconds
   * @throws RangeError when there is no zone of this name
   */
  constructor(zone: string | (() => string)) {
    this.#find = typeof zone === 'string' ? () => zone : zone;
    if (typeof zone === 'string') this.#format = formatOf(zone);
  }

  get name(): string {
    return (this.#name ??= this.#find());
  }

  /** The day in the zone at a time, for example `2026-01-31`. */
  day(time: number): string {
    return dayOfLocal(time + this.#offset(time));
  }

  /**
   * Like `day`, for times of a period of a day or less: as long as the clocks do not change in it, each takes no time.
   * @param end excluded
   */
  daysWithin(start: number, end: number): (time: number) => string {
    const offset = this.#lastEnd.time === start ? this.#lastEnd.offset : this.#exactOffset(start);
    this.#lastEnd = { time: end, offset: this.#exactOffset(end) };
    if (this.#lastEnd.offset !== offset) return (time) => this.day(time);
    const first = dayOfLocal(start + offset);
    const last = dayOfLocal(end - 1 + offset);
    const midnight = Math.ceil((start + offset + 1) / DAY_MS) * DAY_MS - offset;
    return (time) => (time < midnight ? first : last);
  }

  /** The minute in the zone at a time, for example `2026-01-31 12:05`. */
  minute(time: number): string {
    return this.#local(time).slice(0, -8).replace('T', ' ');
  }

  /** The first time at which the wall clock shows the local time or a later one. */
  first(local: number): number {
    const { before, change, after } = this.#around(local);
    const early = local - before;
    return early < change ? early : Math.max(change, local - after);
  }

  /** The last millisecond at which the wall clock shows the local time or an earlier one. */
  last(local: number): number {
    const { before, change, after } = this.#around(local);
    const late = local - after;
    return late >= change ? late : Math.min(change - 1, local - before);
  }

  #local(time: number): string {
    return isoText(time + this.#offset(time));
  }

  /** The change of clocks near a local time, with the offsets before and after it, which are equal without a change. */
  #around(local: number): { readonly before: number; readonly change: number; readonly after: number } {
    let low = local - MAX_OFFSET_MS;
    let high = local + MAX_OFFSET_MS;
    const before = this.#offset(low);
    const after = this.#offset(high);
    if (before === after) return { before, change: high, after };
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.#offset(middle) === before) low = middle;
      else high = middle;
    }
    return { before, change: high, after };
  }

  /** Wall clock time minus UTC, in milliseconds. */
  #offset(time: number): number {
    const hour = Math.floor(time / HOUR_MS);
    if (hour !== this.#known.hour) {
      const offset = this.#exactOffset(hour * HOUR_MS);
      if (this.#exactOffset(hour * HOUR_MS + HOUR_MS - 1) !== offset) return this.#exactOffset(time);
      this.#known = { hour, offset };
    }
    return this.#known.offset;
  }

  #exactOffset(time: number): number {
    const within = Math.max(-MAX_TIME, Math.min(MAX_TIME, time));
    this.#format ??= formatOf(this.name);
    const parts = this.#format.formatToParts(within);
    const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
    const [, sign = '', hours = '0', minutes = '0', seconds = '0'] =
      /([+\u2212-])(\d{2}):?(\d{2})?:?(\d{2})?$/.exec(name) ?? [];
    const offset = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000;
    return sign === '+' ? offset : -offset;
  }
}

function formatOf(zone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' });
}

function isoText(local: number): string {
  return new Date(Math.max(-MAX_TIME, Math.min(MAX_TIME, local))).toISOString();
}

function dayOfLocal(local: number): string {
  return isoText(local).slice(0, -14);
}

/** A point in time, or a period with both ends included. */
export interface TimeSpan {
  readonly start: number;
  readonly end: number;
}

/**
 * False for days that do not exist, such as 2026-02-30, which Date.parse reads as 2 March.
 * @param date year with four digits, or a sign and six, month and day
 */
export function isDay(date: string): boolean {
  const midnight = Date.parse(`${date}T00:00:00.000Z`);
  return !Number.isNaN(midnight) && new Date(midnight).toISOString().includes(date.slice(MONTH_AND_DAY));
}

const MONTH_AND_DAY = -'-01-31'.length;
const DATE_AND_TIME = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:?\d{2})?)?$/;

/**
 * Reads a day, a time in the zone, or a time with its own offset. A day that the zone skipped is an empty period,
 * which ends before it starts.
 * @returns undefined when the text has another form, or names a day or time that does not exist
 */
export function readTime(text: string, zone: TimeZone): TimeSpan | undefined {
  const [, day = '', time, offset = ''] = DATE_AND_TIME.exec(text) ?? [];
  if (!isDay(day)) return undefined;
  const midnight = Date.parse(`${day}T00:00:00.000Z`);
  if (time === undefined) return { start: zone.first(midnight), end: zone.last(midnight + DAY_MS - 1) };
  if (offset !== '') {
    const exact = Date.parse(`${day}T${time}${offset}`);
    return Number.isNaN(exact) ? undefined : { start: exact, end: exact };
  }
  const local = Date.parse(`${day}T${time}Z`);
  return Number.isNaN(local) ? undefined : { start: zone.first(local), end: zone.last(local) };
}
