import { InvalidInputError } from '../errors/input-errors.ts';
import { readTime, type TimeSpan, type TimeZone } from '../util/time-zone.ts';
import type { MemoryKind } from './attributes.ts';
import { ALL_PROJECTS, checkChoice, checkMetadata, checkTags } from './input.ts';
import type { FilterInput } from './memory-api.ts';
import type { JsonValue } from './version.ts';

/** Selects memories. All given conditions must hold; an absent condition always holds. */
export interface MemoryFilter {
  /** At least one of these tags. */
  readonly tagsAny?: readonly string[];
  /** All of these tags. */
  readonly tagsAll?: readonly string[];
  /** The source starts with this text. */
  readonly sourcePrefix?: string;
  /** Top-level metadata members with exactly these values. */
  readonly metadata?: Readonly<Record<string, JsonValue>>;
  /** Bounds in milliseconds since the epoch, both inclusive. */
  readonly createdAfter?: number;
  readonly createdBefore?: number;
  readonly updatedAfter?: number;
  readonly updatedBefore?: number;
  readonly kind?: MemoryKind;
  /** Parts of conversations with this session, and with this client. */
  readonly session?: string;
  readonly client?: string;
  /** When it was true or happened, as its metadata say; both inclusive. A memory that does not say it never matches. */
  readonly occurredAfter?: number;
  readonly occurredBefore?: number;
  /** Not expired at this time, in milliseconds since the epoch. */
  readonly unexpiredAt?: number;
  /** Expired at this time. */
  readonly expiredAt?: number;
  readonly pinned?: boolean;
  /** Bounds of `occurred_at`, or of the time of creation where that is absent; both inclusive, and may be infinite. */
  readonly during?: TimeSpan;
}

const DAY_MS = 86_400_000;
const AGE_UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: DAY_MS, w: 7 * DAY_MS };

/** Ages such as `7d` count back from `now`, in milliseconds since the epoch; days are those of `zone`. */
export interface FilterClock {
  readonly now: number;
  readonly zone: TimeZone;
}

/** Turns a filter in the form that users write into a `MemoryFilter`. @throws InvalidInputError */
export function parseFilter(input: FilterInput | undefined, clock: FilterClock): MemoryFilter {
  if (input === undefined) return {};
  return { ...parseContent(input, clock), ...parseAttributes(input, clock) };
}

/** The conditions on the well-known members of the metadata (see `attributesOf`). */
function parseAttributes(input: FilterInput, clock: FilterClock): MemoryFilter {
  const { occurredAfter, occurredBefore, pinned } = input;
  const kind = input.kind && checkChoice('filter.kind', input.kind, ['fact', 'conversation']);
  const expired = input.expired && checkChoice('filter.expired', input.expired, ['any', 'only', 'none']);
  return {
    ...(kind === undefined ? {} : { kind }),
    ...(isGiven(input.session) ? { session: input.session } : {}),
    // The empty name is that of conversations whose client is unknown.
    ...(input.client === undefined ? {} : { client: input.client }),
    ...(isGiven(occurredAfter)
      ? { occurredAfter: parseTime('filter.occurredAfter', occurredAfter, clock).start }
      : {}),
    ...(isGiven(occurredBefore)
      ? { occurredBefore: parseTime('filter.occurredBefore', occurredBefore, clock).end }
      : {}),
    ...(expired === 'none' ? { unexpiredAt: clock.now } : {}),
    ...(expired === 'only' ? { expiredAt: clock.now } : {}),
    ...(pinned === undefined ? {} : { pinned }),
  };
}

function parseContent(input: FilterInput, clock: FilterClock): MemoryFilter {
  const metadata = {
    ...(input.metadata === undefined ? {} : checkMetadata('filter.metadata', input.metadata)),
    ...(isGiven(input.project) && input.project !== ALL_PROJECTS ? { project: input.project } : {}),
  };
  return {
    ...(isFilled(input.tags) ? { tagsAny: checkTags('filter.tags', input.tags) } : {}),
    ...(isFilled(input.allTags) ? { tagsAll: checkTags('filter.allTags', input.allTags) } : {}),
    ...(isGiven(input.source) ? { sourcePrefix: input.source } : {}),
    ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
    ...(isGiven(input.after) ? { createdAfter: parseTime('filter.after', input.after, clock).start } : {}),
    ...(isGiven(input.before) ? { createdBefore: parseTime('filter.before', input.before, clock).end } : {}),
  };
}

function isGiven(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

function isFilled(values: readonly string[] | undefined): values is readonly string[] {
  return values !== undefined && values.length > 0;
}

function parseTime(field: string, value: string, { now, zone }: FilterClock): TimeSpan {
  const age = readAge(value);
  if (age !== undefined) return { start: now - age.ms, end: now - age.ms };
  const span = readTime(value, zone);
  if (span === undefined) throw invalidTime(field, value, zone);
  return span;
}

/** An age such as `30m`, `12h`, `7d`, `2w`; undefined for anything else. */
export function readAge(value: string): { readonly ms: number; readonly inDays: boolean } | undefined {
  const [, amount, unit = ''] = /^(\d{1,5})([mhdw])$/.exec(value) ?? [];
  if (amount === undefined) return undefined;
  return { ms: Number(amount) * (AGE_UNITS[unit] ?? 0), inDays: unit === 'd' || unit === 'w' };
}

/** For a text that is neither a time nor an age. */
export function invalidTime(field: string, value: string, zone: TimeZone): InvalidInputError {
  return new InvalidInputError(
    field,
    `is ${JSON.stringify(value.slice(0, MAX_SHOWN).toWellFormed())}`,
    `allowed is an ISO 8601 date of the calendar (2026-01-31, a day in ${zone.name}), a time (2026-01-31T12:00:00Z) or an age (30m, 12h, 7d, 2w)`,
  );
}

const MAX_SHOWN = 60;
