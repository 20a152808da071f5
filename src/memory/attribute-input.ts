import { InvalidInputError, NotFoundError } from '../errors/input-errors.ts';
import type { MemoryStore } from '../store/memory-store.ts';
import { readTime, type TimeZone } from '../util/time-zone.ts';
import { isUuid } from '../util/uuid.ts';
import { type FilterClock, invalidTime, readAge } from './filter.ts';
import { ALL_PROJECTS, checkString } from './input.ts';
import type { StatedAttributes } from './memory-api.ts';
import type { JsonValue, Metadata } from './version.ts';

/** Well-known members of the metadata as callers give them; null removes one. */
export type StatedMembers = Readonly<Record<string, JsonValue>>;

/**
 * The members of the metadata that a caller states in fields of their own. Times become UTC, so that every machine
 * reads the same; metadata that a caller gives itself stay as they are.
 * @param field the beginning of the names in errors, for example `memories[0].`
 * @throws InvalidInputError
 */
export function statedMembers(
  field: string,
  stated: StatedAttributes & { readonly project?: string | undefined },
  clock: FilterClock,
): StatedMembers {
  const { project, occurredAt, expires, pinned, supersedes } = stated;
  return {
    ...(isGiven(occurredAt)
      ? { occurred_at: isoTime(startOf(`${field}occurredAt`, occurredAt, clock)) }
      : {}),
    ...(isGiven(expires) ? { expires: isoTime(endOf(`${field}expires`, expires, clock)) } : {}),
    ...(project === undefined
      ? {}
      : { project: isAll(project) ? null : checkString(`${field}project`, project) }),
    ...(pinned === undefined ? {} : { pinned: pinned ? true : null }),
    ...(isGiven(supersedes) ? { supersedes: checkId(`${field}supersedes`, supersedes) } : {}),
  };
}

/**
 * The same for a new memory, which has nothing to remove, and which no search would find were it over already.
 * @throws InvalidInputError
 */
export function membersOfNew(
  field: string,
  { occurredAt, expires, pinned, supersedes }: StatedAttributes,
  clock: FilterClock,
): Metadata {
  const stated = { occurredAt, expires, pinned, supersedes };
  const members = Object.entries(statedMembers(field, stated, clock)).filter(([, value]) => value !== null);
  if (isGiven(expires) && endOf(`${field}expires`, expires, clock) <= clock.now)
    throw new InvalidInputError(
      `${field}expires`,
      `is ${JSON.stringify(expires)}, which is over`,
      'allowed is a time to come, or an age from now (30d)',
    );
  return Object.fromEntries(members);
}

/**
 * The last millisecond of a day, a time, or so long ago; for questions about the state at a time.
 * @throws InvalidInputError
 */
export function readAsOf(field: string, value: string, clock: FilterClock): number {
  const age = readAge(value);
  if (age !== undefined) return clock.now - age.ms;
  return timeOf(field, value, clock.zone).end;
}

function isAll(project: string): boolean {
  return project.trim() === '' || project === ALL_PROJECTS;
}

/** More would leave no room for anything else in the brief of a session. */
export const MOST_PINNED = 20;

/** The statements of a write about other memories. */
export interface StatedLinks {
  /** Ids of the memories to pin; undefined for new ones. */
  readonly pinned: readonly (string | undefined)[];
  readonly supersedes: readonly string[];
}

/**
 * @throws InvalidInputError when more facts would be pinned than `MOST_PINNED`
 * @throws NotFoundError when a memory that is to be replaced is unknown
 */
export async function checkLinks(store: MemoryStore, { pinned, supersedes }: StatedLinks): Promise<void> {
  if (supersedes.length > 0) {
    const known = new Set((await store.getCurrent(supersedes)).map(({ id }) => id));
    const unknown = supersedes.filter((id) => !known.has(id));
    if (unknown.length > 0) throw new NotFoundError(unknown);
  }
  if (pinned.length === 0) return;
  const already = new Set(await store.matching({ pinned: true }));
  const more = pinned.filter((id) => id === undefined || !already.has(id)).length;
  if (more > 0 && already.size + more > MOST_PINNED) {
    throw new InvalidInputError(
      'pinned',
      `is true, and ${already.size} memories are pinned`,
      `allowed are ${MOST_PINNED}; unpin one first`,
    );
  }
}

function isGiven(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

/** A day begins at its midnight; days and weeks ago are whole days of the zone. */
function startOf(field: string, value: string, clock: FilterClock): number {
  const age = readAge(value);
  if (age === undefined) return timeOf(field, value, clock.zone).start;
  const time = clock.now - age.ms;
  return age.inDays ? timeOf(field, clock.zone.day(time), clock.zone).start : time;
}

/** A fact holds until the end of the day that is named; ages count forward. */
function endOf(field: string, value: string, clock: FilterClock): number {
  const { now, zone } = clock;
  const age = readAge(value);
  if (age === undefined) return behind(field, value, zone);
  return age.inDays ? behind(field, zone.day(now + age.ms), zone) : now + age.ms;
}

/** The first moment after a day; a time itself. */
function behind(field: string, value: string, zone: TimeZone): number {
  const { start, end } = timeOf(field, value, zone);
  return value.length === 'YYYY-MM-DD'.length ? end + 1 : start;
}

function timeOf(field: string, value: string, zone: TimeZone): { start: number; end: number } {
  const span = readTime(value, zone);
  if (span === undefined) throw invalidTime(field, value, zone);
  return span;
}

/** Years of four digits, which is all that attributes know. */
const FIRST_TIME = Date.parse('0000-01-01T00:00:00.000Z');
const LAST_TIME = Date.parse('9999-12-31T23:59:59.999Z');

function isoTime(time: number): string {
  return new Date(Math.max(FIRST_TIME, Math.min(LAST_TIME, time))).toISOString();
}

function checkId(field: string, value: string): string {
  const id = value.trim().toLowerCase();
  if (!isUuid(id)) {
    throw new InvalidInputError(
      field,
      `is ${JSON.stringify(value.slice(0, 60))}`,
      'allowed is the id of a memory',
    );
  }
  return id;
}
