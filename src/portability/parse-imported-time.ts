import { InvalidInputError } from '../errors/input-errors.ts';

/** The last time a JavaScript date can hold, and minus it the first. */
const MAX_TIME = 8_640_000_000_000_000;
/**
 * A number is taken in the first of these units in which it is before the year 5138: in a larger one it would be far
 * in the future, in a smaller one before 1974.
 */
const UNITS_IN_MILLISECONDS = [1_000, 1, 0.001, 0.000_001];
const YEAR_5138 = 100_000_000_000_000;

const ISO_TIME =
  /^(\d{4}|[+-]\d{6})-(\d{2})-(\d{2})(?:[Tt ](\d{2}:\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s?([Zz]|[+-]\d{2}(?::?\d{2})?)?)?$/;

/**
 * A time as exports of many programs write it: ISO 8601 with or without a zone (then UTC), or a number of
 * seconds, milliseconds, microseconds or nanoseconds since 1970.
 * @returns milliseconds since the epoch, without fractions
 * @throws InvalidInputError
 */
export function parseImportedTime(field: string, value: unknown): number {
  const time =
    typeof value === 'number' ? fromNumber(value) : typeof value === 'string' ? fromText(value.trim()) : NaN;
  if (Number.isNaN(time) || Math.abs(time) > MAX_TIME) {
    const shown = JSON.stringify(value).slice(0, 60);
    throw new InvalidInputError(
      field,
      `is ${shown}`,
      'allowed is a time such as 2026-01-31T12:00:00Z, or seconds or milliseconds since 1970',
    );
  }
  return time;
}

function fromNumber(value: number): number {
  const unit = UNITS_IN_MILLISECONDS.find((milliseconds) => Math.abs(value * milliseconds) < YEAR_5138);
  return unit === undefined ? NaN : Math.round(value * unit);
}

function fromText(value: string): number {
  if (/^\d{9,19}(?:\.\d{1,9})?$/.test(value)) return fromNumber(Number(value));
  const parts = ISO_TIME.exec(value);
  if (parts === null) return NaN;
  const [, year = '', month = '', day = '', minutes = '00:00', seconds = '00', fraction = '', zone = 'Z'] =
    parts;
  const date = `${year}-${month}-${day}`;
  if (!isDay(date)) return NaN;
  const milliseconds = fraction.padEnd(3, '0').slice(0, 3);
  return Date.parse(`${date}T${minutes}:${seconds}.${milliseconds}${isoZone(zone)}`);
}

/** Date.parse takes 30 February for 2 March. */
function isDay(date: string): boolean {
  const time = Date.parse(`${date}T00:00:00.000Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().includes(date.slice(-6));
}

/** `z` → `Z`, `+02` → `+02:00`, `+0200` → `+02:00`. */
function isoZone(zone: string): string {
  if (zone.toUpperCase() === 'Z') return 'Z';
  return `${zone.slice(0, 3)}:${zone.slice(3).replace(':', '') || '00'}`;
}
