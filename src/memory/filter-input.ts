import { InvalidInputError } from '../errors/invalid-input-error.ts';
import type { MemoryFilter } from './filter.ts';
import type { FilterInput } from './memory-api.ts';
import { checkMetadata, checkTags } from './input-limits.ts';

const DAY_MS = 86_400_000;
const AGE_UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: DAY_MS, w: 7 * DAY_MS };

/** Turns a filter as users write it into a `MemoryFilter`. @throws InvalidInputError */
export function parseFilter(input: FilterInput | undefined, now: number): MemoryFilter {
  if (input === undefined) return {};
  const metadata = {
    ...(input.metadata === undefined ? {} : checkMetadata('filter.metadata', input.metadata)),
    ...(isGiven(input.project) ? { project: input.project } : {}),
  };
  return {
    ...(isFilled(input.tags) ? { tagsAny: checkTags('filter.tags', input.tags) } : {}),
    ...(isFilled(input.allTags) ? { tagsAll: checkTags('filter.allTags', input.allTags) } : {}),
    ...(isGiven(input.source) ? { sourcePrefix: input.source } : {}),
    ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
    ...(isGiven(input.after) ? { createdAfter: parseTime('filter.after', input.after, now).start } : {}),
    ...(isGiven(input.before) ? { createdBefore: parseTime('filter.before', input.before, now).end } : {}),
  };
}

function isGiven(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

function isFilled(values: readonly string[] | undefined): values is readonly string[] {
  return values !== undefined && values.length > 0;
}

/** A point in time, or a whole day: `end` is the last millisecond of it. */
interface TimeSpan {
  readonly start: number;
  readonly end: number;
}

function parseTime(field: string, value: string, now: number): TimeSpan {
  const age = /^(\d{1,5})([mhdw])$/.exec(value);
  if (age !== null) {
    const point = now - Number(age[1]) * (AGE_UNITS[age[2] ?? ''] ?? 0);
    return { start: point, end: point };
  }
  const isDate = /^\d{4}-\d{2}-\d{2}$/.test(value);
  const isTime = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$/.test(value);
  const start = isDate || isTime ? Date.parse(value.replace(' ', 'T')) : NaN;
  if (Number.isNaN(start)) {
    throw new InvalidInputError(
      field,
      `is ${JSON.stringify(value)}`,
      'allowed is an ISO 8601 date (2026-01-31), a time (2026-01-31T12:00:00Z) or an age (30m, 12h, 7d, 2w)',
    );
  }
  return { start, end: isDate ? start + DAY_MS - 1 : start };
}
