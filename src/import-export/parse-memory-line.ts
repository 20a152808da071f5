import { InvalidInputError } from '../errors/input-errors.ts';
import { checkMetadata, checkSource, checkTags, checkText } from '../memory/input.ts';
import type { MemoryDraft } from '../memory/memory.ts';
import type { Metadata } from '../memory/version.ts';
import { isObject } from '../util/json.ts';
import { isDay } from '../util/time-zone.ts';
import { isUuid } from '../util/uuid.ts';
import { EXPORT_FORMAT } from './export-json-lines.ts';
import type { JsonObject } from './head.ts';

/** The content of one line of a file. */
export type ParsedLine =
  | { readonly kind: 'header'; readonly version: number }
  | { readonly kind: 'footer'; readonly count: number }
  | {
      readonly kind: 'memory';
      readonly draft: MemoryDraft;
      /** Names of unknown fields, which were moved into the metadata. */
      readonly moved: readonly string[];
      /** Names of fields that are not imported: vectors, because the model computes them again. */
      readonly ignored: readonly string[];
    };

/** Names of each field in this and other programs. The first one with a value is used. */
const NAMES = {
  text: ['text', 'content', 'memory'],
  createdAt: ['created_at', 'createdAt', 'timestamp'],
  updatedAt: ['updated_at', 'updatedAt'],
} as const;
const VECTOR_NAMES = new Set(['embedding', 'embeddings', 'vector']);

/** @throws InvalidInputError that names the field; it names `line` when the line is not a JSON object */
export function parseMemoryLine(line: string): ParsedLine {
  const fields = parseObject(line);
  if (fields['format'] === EXPORT_FORMAT) return parseFrame(fields);
  return parseMemoryFields(fields);
}

function parseObject(line: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    const position = /position (\d+)/.exec(String(error))?.[1];
    const where = position === undefined ? '' : ` at character ${position}`;
    throw new InvalidInputError('line', `is not JSON${where}`, 'allowed is one JSON object in each line');
  }
  if (!isObject(value)) {
    const shown = Array.isArray(value) ? 'a list' : value === null ? 'null' : `a ${typeof value}`;
    throw new InvalidInputError('line', `is ${shown}`, 'allowed is one JSON object in each line');
  }
  return value;
}

function parseFrame(fields: JsonObject): ParsedLine {
  const { version, end, count } = fields;
  if (end === true && typeof count === 'number') return { kind: 'footer', count };
  if (typeof version === 'number') return { kind: 'header', version };
  throw new InvalidInputError(
    'version',
    'is missing',
    `allowed is the number of the ${EXPORT_FORMAT} version`,
  );
}

/** Reads a memory from an object with the fields of this or another program. @throws InvalidInputError that names the field */
export function parseMemoryFields(fields: JsonObject): Extract<ParsedLine, { kind: 'memory' }> {
  const textName = NAMES.text.find((name) => isGiven(fields[name]));
  if (textName === undefined) {
    throw new InvalidInputError('text', 'is missing', `allowed is a text in ${NAMES.text.join(', ')}`);
  }
  const createdName = NAMES.createdAt.find((name) => isGiven(fields[name]));
  const updatedName = NAMES.updatedAt.find((name) => isGiven(fields[name]));
  const idInLowerCase = typeof fields['id'] === 'string' ? fields['id'].toLowerCase() : '';
  const id = isUuid(idInLowerCase) ? idInLowerCase : undefined;
  const known = new Set<string | undefined>([
    textName,
    createdName,
    updatedName,
    'id',
    'tags',
    'source',
    'metadata',
  ]);
  const others = Object.entries(fields).filter(([name]) => !known.has(name));
  const ignored = others
    .filter(([name, value]) => VECTOR_NAMES.has(name) && isVector(value))
    .map(([name]) => name);
  const moved = others.filter(([name, value]) => !ignored.includes(name) && isGiven(value));
  if (id === undefined && isGiven(fields['id'])) moved.push(['imported_id', fields['id']]);
  const draft: MemoryDraft = {
    ...(id === undefined ? {} : { id }),
    text: checkText(textName, fields[textName], Infinity),
    tags: checkTags('tags', tagList(fields['tags'])),
    source: checkSource('source', fields['source'] ?? ''),
    metadata: withMoved(checkMetadata('metadata', fields['metadata'] ?? {}), moved),
    ...(createdName === undefined ? {} : { createdAt: parseImportedTime(createdName, fields[createdName]) }),
    ...(updatedName === undefined ? {} : { updatedAt: parseImportedTime(updatedName, fields[updatedName]) }),
  };
  return { kind: 'memory', draft, moved: moved.map(([name]) => name), ignored };
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** True for a list of numbers, or a list of such lists. */
function isVector(value: unknown): boolean {
  return Array.isArray(value) && value.flat(1).every((item) => typeof item === 'number');
}

/** Accepts tags as a list, or as one text with commas. */
function tagList(tags: unknown): unknown {
  if (tags === undefined || tags === null) return [];
  if (typeof tags !== 'string') return tags;
  return tags
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
}

/** Adds the moved fields to the metadata. A field with the name of an existing member becomes `imported_…`. */
function withMoved(metadata: Metadata, moved: readonly (readonly [string, unknown])[]): Metadata {
  if (moved.length === 0) return metadata;
  const renamed = moved.map(([name, value]) => [freeName(name, metadata), value]);
  return checkMetadata('metadata', { ...Object.fromEntries(renamed), ...metadata });
}

function freeName(name: string, metadata: Metadata): string {
  return Object.hasOwn(metadata, name) ? freeName(`imported_${name}`, metadata) : name;
}

/** The latest time of a JavaScript date; its negative is the earliest. */
const MAX_TIME = 8_640_000_000_000_000;
/**
 * Seconds, milliseconds, microseconds and nanoseconds. A number has the first of these units in which it lies before
 * the year 5138.
 */
const UNITS_IN_MILLISECONDS = [1_000, 1, 0.001, 0.000_001];
const YEAR_5138 = 100_000_000_000_000;

const ISO_TIME =
  /^(\d{4}|[+-]\d{6})-(\d{2})-(\d{2})(?:[Tt ](\d{2}:\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s?([Zz]|[+-]\d{2}(?::?\d{2})?)?)?$/;

/**
 * Reads a time in the forms that many programs write: ISO 8601 (UTC when it has no zone), or a number of seconds,
 * milliseconds, microseconds or nanoseconds since 1970.
 * @returns whole milliseconds since the epoch
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

/** `z` → `Z`, `+02` → `+02:00`, `+0200` → `+02:00`. */
function isoZone(zone: string): string {
  if (zone.toUpperCase() === 'Z') return 'Z';
  return `${zone.slice(0, 3)}:${zone.slice(3).replace(':', '') || '00'}`;
}
