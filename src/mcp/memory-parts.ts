import { InvalidInputError } from '../errors/input-errors.ts';
import type { HistoryEntry, Memory, MemoryWithHistory } from '../memory/memory.ts';
import { beginning, isoTime, memoryData, versionData } from '../api/memory-answers.ts';
import { endWithin, tokensOf, tokensShown, USUAL_TOKENS } from '../api/answer-size.ts';
import { heading, lines, noticeOf, quote } from './render.ts';
import type { TimeZone } from '../util/time-zone.ts';
import { withoutHidden } from '../util/visible-text.ts';

type Data = Record<string, unknown>;

/** Share of an answer for the texts in one part, which stand in it twice; quoting and names come on top. */
const PART_SHARE = 0.35;
/** A memory or version that would get less than this waits for the next part. */
const LEAST_TOKENS = 150;
const HEADING_TOKENS = 80;
/** Tags and metadata of more tokens than this share of a part are read in parts too. */
const DETAILS_SHARE = 0.17;

/** Something of a memory that may be long. */
interface Section {
  readonly name: 'text' | 'details' | 'version';
  readonly value: string;
  readonly version?: HistoryEntry;
}

/** A stretch of a section, counted in UTF-16 units. */
interface Stretch extends Section {
  readonly from: number;
  readonly to: number;
}

/** The parts of one memory in one answer. */
export interface ShownMemory {
  readonly memory: MemoryWithHistory;
  readonly stretches: readonly Stretch[];
  /** Tags and metadata are a stretch of their own. */
  readonly hasLongDetails: boolean;
}

/** Where an answer begins. */
interface Position {
  readonly memory: number;
  readonly section: number;
  readonly from: number;
}

export interface Part {
  readonly shown: readonly ShownMemory[];
  /** The cursor of the next part; undefined when this is the last one. */
  readonly next: string | undefined;
}

/**
 * As much of the memories as fits into one answer. All parts, one after the other, are the whole.
 * @param cursor of the part before; undefined = the first one
 * @param maxTokens about the most that the answer may have
 * @throws InvalidInputError when the cursor is of other memories, or they have changed since
 */
export function partOf(
  memories: readonly MemoryWithHistory[],
  cursor: string | undefined,
  maxTokens = USUAL_TOKENS,
): Part {
  const partTokens = maxTokens * PART_SHARE;
  let {
    memory: index,
    section,
    from,
  } = cursor === undefined ? START : readCursor(memories, cursor, partTokens);
  let left = partTokens;
  const shown: ShownMemory[] = [];
  for (; index < memories.length; index++, section = 0) {
    const memory = memories[index];
    if (memory === undefined) break;
    const stretches: Stretch[] = [];
    const hasLong = hasLongDetails(memory, partTokens);
    const sections = sectionsOf(memory, partTokens);
    left -= HEADING_TOKENS + tokensOf(memory.source) + (hasLong ? 0 : tokensOf(detailsOf(memory)));
    for (; section < sections.length; section++, from = 0) {
      const one = sections[section];
      if (one === undefined) break;
      if (one.name === 'details' && !hasLong) continue;
      const isFirst = shown.length === 0 && stretches.length === 0;
      const stretch = isFirst || left >= LEAST_TOKENS ? stretchOf(one, from, left) : undefined;
      if (stretch !== undefined) stretches.push(stretch);
      if (stretch === undefined || stretch.to < one.value.length) {
        if (stretches.length > 0) shown.push({ memory, stretches, hasLongDetails: hasLong });
        const position = { memory: index, section, from: stretch?.to ?? from };
        return { shown, next: writeCursor(memory, position) };
      }
      left -= HEADING_TOKENS + tokensShown(one.value.slice(from));
    }
    shown.push({ memory, stretches, hasLongDetails: hasLong });
  }
  return { shown, next: undefined };
}

const START: Position = { memory: 0, section: 0, from: 0 };

function stretchOf(section: Section, from: number, budget: number): Stretch {
  return { ...section, from, to: endWithin(section.value, from, Math.max(budget, LEAST_TOKENS)) };
}

/** Each has the same place whatever the size of a part, so that a cursor holds for every size. */
function sectionsOf(memory: MemoryWithHistory, partTokens: number): Section[] {
  return [
    { name: 'text', value: memory.text },
    { name: 'details', value: hasLongDetails(memory, partTokens) ? detailsOf(memory) : '' },
    ...memory.history.slice(1).map((version) => ({ name: 'version' as const, value: version.text, version })),
  ];
}

function detailsOf({ tags, metadata }: Memory): string {
  return JSON.stringify({ tags, metadata });
}

function hasLongDetails(memory: Memory, partTokens: number): boolean {
  return tokensOf(detailsOf(memory)) > partTokens * DETAILS_SHARE;
}

function writeCursor({ updatedAt }: Memory, { memory, section, from }: Position): string {
  return [memory, section, from, updatedAt].map((number) => number.toString(36)).join('.');
}

function readCursor(memories: readonly MemoryWithHistory[], cursor: string, partTokens: number): Position {
  const numbers = /^[0-9a-z]{1,12}(?:\.[0-9a-z]{1,12}){3}$/.test(cursor) ? cursor.split('.') : [];
  const [index = -1, section = 0, from = 0, updatedAt] = numbers.map((number) => parseInt(number, 36));
  const memory = memories[index];
  const value = memory === undefined ? undefined : sectionsOf(memory, partTokens)[section]?.value;
  if (memory?.updatedAt === updatedAt && value !== undefined && from <= value.length) {
    return { memory: index, section, from };
  }
  const allowed = 'allowed is the cursor of an answer for the same ids, unless the memory was changed since';
  throw new InvalidInputError(
    'cursor',
    `is ${JSON.stringify(beginning(cursor))}`,
    `${allowed}; start again without it`,
  );
}

/** The part as data: the texts of all parts put together are the whole. */
export function partData({ shown, next }: Part): Data {
  return { memories: shown.map(shownData), ...(next === undefined ? {} : { next_cursor: next }) };
}

function shownData({ memory, stretches, hasLongDetails }: ShownMemory): Data {
  const text = stretches.find(({ name }) => name === 'text');
  const details = stretches.find(({ name }) => name === 'details');
  const versions = stretches.filter(({ name }) => name === 'version');
  const whole = memoryData(hasLongDetails ? { ...memory, tags: [], metadata: {} } : memory);
  return {
    ...(text?.from === 0 ? whole : { id: memory.id }),
    text: text === undefined ? '' : valueOf(text),
    ...(text === undefined ? {} : rangeOf(text)),
    ...(details === undefined ? {} : { details: valueOf(details) }),
    ...(versions.length === 0 ? {} : { versions: versions.map(versionOf) }),
  };
}

function versionOf(stretch: Stretch): Data {
  const { version } = stretch;
  return {
    ...(version === undefined ? {} : versionData(version)),
    text: valueOf(stretch),
    ...rangeOf(stretch),
  };
}

function valueOf({ value, from, to }: Stretch): string {
  return value.slice(from, to);
}

/** Absent for a text that is shown whole. */
function rangeOf({ value, from, to }: Stretch): Data {
  return from === 0 && to === value.length ? {} : { offset: from, length: value.length };
}

export function renderPart({ shown, next }: Part, zone: TimeZone): string {
  return lines(
    noticeOf(zone),
    ...shown.map((one) => renderShown(one, zone)),
    next === undefined
      ? ''
      : `Not all is shown, so that the answer stays short. Read on: memory_get with the same ids and cursor ${next}`,
  );
}

function renderShown({ memory, stretches, hasLongDetails }: ShownMemory, zone: TimeZone): string {
  const hasDetails = Object.keys(memory.metadata).length > 0 && !hasLongDetails;
  return lines(
    heading(hasLongDetails ? { ...memory, tags: [] } : memory, zone),
    ...stretches.flatMap((stretch) => [
      labelOf(stretch),
      quote(shownOf(stretch)),
      hasDetails && stretch.name === 'text' && stretch.to === stretch.value.length
        ? `metadata\n${quote(withoutHidden(JSON.stringify(memory.metadata)))}`
        : '',
    ]),
  );
}

/** The details are JSON, which is one line whatever a member holds. */
function shownOf(stretch: Stretch): string {
  const value = valueOf(stretch);
  if (stretch.name === 'details') return withoutHidden(value);
  return endsWithLine(stretch) ? value.slice(0, -1) : value;
}

/** The line feed between two parts is the one between their last and first lines. */
function endsWithLine({ value, to }: Stretch): boolean {
  return to < value.length && value[to - 1] === '\n';
}

function labelOf({ name, version, value, from, to }: Stretch): string {
  const kind = version === undefined ? '' : version.role === 'sibling' ? 'conflict copy' : 'older version';
  const state = version === undefined || version.state === 'live' ? '' : ` (${version.state})`;
  const title =
    name === 'details'
      ? 'tags and metadata'
      : version === undefined
        ? ''
        : `${kind}${state} of ${isoTime(version.updatedAt)}`;
  const range = from === 0 && to === value.length ? '' : `characters ${from + 1} to ${to} of ${value.length}`;
  return [title, range].filter((part) => part !== '').join(', ');
}

/** A memory in a list: its beginning, and no more of the rest than fits beside many others. */
export function listedData(memory: Memory): Data {
  return leanData(memoryData(memory, beginning(memory.text)));
}

const LEAN_TOKENS = 700;
const LEAN_TAGS = 8;
const LEAN_LENGTH = 40;

/** Data of one of many memories. Where its tags, source and metadata are long, they are cut, and it says so. */
export function leanData(data: Data): Data {
  if (tokensOf(JSON.stringify(data)) <= LEAN_TOKENS) return data;
  const { metadata, tags, source, ...rest } = data;
  const short = (name: unknown): string => String(name).slice(0, LEAN_LENGTH).toWellFormed();
  return {
    ...rest,
    ...(Array.isArray(tags) ? { tags: tags.slice(0, LEAN_TAGS).map(short) } : {}),
    ...(source === undefined ? {} : { source: short(source) }),
    ...(metadata === undefined ? {} : { metadata_left_out: true }),
    shortened: true,
  };
}
