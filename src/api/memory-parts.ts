import { InvalidInputError } from '../errors/input-errors.ts';
import type { HistoryEntry, Memory, MemoryWithHistory } from '../memory/memory.ts';
import { endWithin, tokensOf, tokensShown, USUAL_TOKENS } from './answer-size.ts';
import { beginning, type Data, isoTime, memoryData, versionData } from './memory-answers.ts';

/**
 * Share of an answer for the texts in one part; quoting and names come on top. An answer of a tool has the texts
 * twice, as text and as data.
 */
const PART_SHARES = { tool: 0.35, json: 0.7 };
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
export interface Stretch extends Section {
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

export interface PartSize {
  readonly maxTokens?: number | undefined;
  /** json: the answer is data alone, as those of REST and the command line. */
  readonly form?: keyof typeof PART_SHARES;
}

export interface Part {
  readonly shown: readonly ShownMemory[];
  /** The cursor of the next part; undefined when this is the last one. */
  readonly next: string | undefined;
}

/**
 * As much of the memories as fits into one answer. All parts, one after the other, are the whole.
 * @param cursor of the part before; undefined = the first one
 * @param size.maxTokens about the most that the answer may have
 * @throws InvalidInputError when the cursor is of other memories, or they have changed since
 */
export function partOf(
  memories: readonly MemoryWithHistory[],
  cursor: string | undefined,
  { maxTokens = USUAL_TOKENS, form = 'tool' }: PartSize = {},
): Part {
  const partTokens = maxTokens * PART_SHARES[form];
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

interface PartData extends Data {
  readonly memories: readonly Data[];
  readonly next_cursor?: string;
}

/** The part as data: the texts of all parts put together are the whole. */
export function partData({ shown, next }: Part): PartData {
  return { memories: shown.map(shownData), ...(next === undefined ? {} : { next_cursor: next }) };
}

function shownData({ memory, stretches, hasLongDetails }: ShownMemory): Data {
  const text = stretches.find(({ name }) => name === 'text');
  const details = stretches.find(({ name }) => name === 'details');
  const versions = stretches.filter(({ name }) => name === 'version');
  const whole = memoryData(hasLongDetails ? { ...memory, tags: [], metadata: {} } : memory);
  return {
    ...(text?.from === 0 ? whole : { id: memory.id, created: isoTime(memory.createdAt) }),
    text: text === undefined ? '' : valueOf(text),
    ...(text === undefined ? {} : rangeOf(text)),
    ...(details === undefined ? {} : { details: valueOf(details) }),
    ...(versions.length === 0 ? {} : { versions: versions.map(versionOf) }),
    ...(memory.stale === undefined ? {} : { stale: memory.stale }),
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

export function valueOf({ value, from, to }: Stretch): string {
  return value.slice(from, to);
}

/** Absent for a text that is shown whole. */
function rangeOf({ value, from, to }: Stretch): Data {
  return from === 0 && to === value.length ? {} : { offset: from, length: value.length };
}

/** Which section a stretch is of, and which part of it; empty for a whole text. */
export function labelOf({ name, version, value, from, to }: Stretch): string {
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
