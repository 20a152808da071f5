const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MAX_TIME = 8_640_000_000_000_000;
/** No zone was ever further from universal time, so a local time is within this of the same reading in UTC. */
const MAX_OFFSET_MS = 26 * HOUR_MS;

/** The zone of the system; UTC when the system names none that exists. */
export function systemTimeZone(): string {
  // Absent when TZ names a zone that does not exist, whatever the type says.
  const name: string | undefined = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  return typeof name === 'string' && isTimeZone(name) ? name : 'UTC';
}

/** True for names such as `Asia/Tokyo`, whatever their case. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/**
 * The calendar of people who live in a zone. Days have 23 or 25 hours when clocks are changed, begin late where
 * midnight is left out, and can be missing (30 December 2011 in Apia). Times are milliseconds since the epoch;
 * "local" ones are what a clock on the wall shows, as if it were UTC.
 */
export class TimeZone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;
  /** The last hour that was asked for in which the clocks did not change. */
  #known = { hour: NaN, offset: 0 };

  /** @throws RangeError when there is no such zone */
  constructor(name: string) {
    this.name = name;
    this.#format = new Intl.DateTimeFormat('en', { timeZone: name, timeZoneName: 'longOffset' });
  }

  /** `2026-01-31`: the day that the wall calendar shows at a time. */
  day(time: number): string {
    return this.#local(time).slice(0, -14);
  }

  /** `2026-01-31 12:05`. */
  minute(time: number): string {
    return this.#local(time).slice(0, -8).replace('T', ' ');
  }

  /** The first time at which the clock shows a local time or a later one. */
  first(local: number): number {
    const { before, change, after } = this.#around(local);
    const early = local - before;
    return early < change ? early : Math.max(change, local - after);
  }

  /** The last time at which the clock shows a local time or an earlier one; milliseconds are the smallest step. */
  last(local: number): number {
    const { before, change, after } = this.#around(local);
    const late = local - after;
    return late >= change ? late : Math.min(change - 1, local - before);
  }

  #local(time: number): string {
    const local = time + this.#offset(time);
    return new Date(Math.max(-MAX_TIME, Math.min(MAX_TIME, local))).toISOString();
  }

  /** The offsets before and after the change of clocks near a local time, and when it is; equal ones without. */
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

  /** What the clock shows minus universal time. */
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
    const parts = this.#format.formatToParts(within);
    const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
    const [, sign = '', hours = '0', minutes = '0', seconds = '0'] =
      /([+\u2212-])(\d{2}):?(\d{2})?:?(\d{2})?$/.exec(name) ?? [];
    const offset = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000;
    return sign === '+' ? offset : -offset;
  }
}

/** A point in time, or a stretch of it with both ends included. */
export interface TimeSpan {
  readonly start: number;
  readonly end: number;
}

const DATE_AND_TIME = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:?\d{2})?)?$/;

/**
 * Reads a day of the zone, a time of the zone, or a time with its own offset, which is the same for everybody.
 * A day that the zone left out is an empty stretch, which ends before it starts.
 * @returns undefined when the text is none, or names a day or time that does not exist
 */
export function readTime(text: string, zone: TimeZone): TimeSpan | undefined {
  const [, day = '', time, offset = ''] = DATE_AND_TIME.exec(text) ?? [];
  const midnight = Date.parse(`${day}T00:00:00.000Z`);
  // Date.parse takes 30 February for 2 March.
  if (Number.isNaN(midnight) || !new Date(midnight).toISOString().startsWith(day)) return undefined;
  if (time === undefined) return { start: zone.first(midnight), end: zone.last(midnight + DAY_MS - 1) };
  if (offset !== '') {
    const exact = Date.parse(`${day}T${time}${offset}`);
    return Number.isNaN(exact) ? undefined : { start: exact, end: exact };
  }
  const local = Date.parse(`${day}T${time}Z`);
  return Number.isNaN(local) ? undefined : { start: zone.first(local), end: zone.last(local) };
}
