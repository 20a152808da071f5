/** A text in three consecutive parts, each of which may be empty. */
export interface TextParts {
  /** The common beginning of all compared texts. */
  readonly start: string;
  /** The part that differs. */
  readonly middle: string;
  /** The common end of all compared texts. */
  readonly end: string;
}

/**
 * Divides a text into the beginning and the end that it shares with all other texts, and the differing part between
 * them. Only very long words are divided.
 * @returns undefined when no other text differs
 */
export function cutApart(text: string, others: readonly string[]): TextParts | undefined {
  const common = others.filter((other) => other !== text).map((other) => measureCommon(text, other));
  if (common.length === 0) return undefined;
  const start = Math.min(...common.map((lengths) => lengths.start));
  const end = text.length - Math.min(...common.map((lengths) => lengths.end));
  return { start: text.slice(0, start), middle: text.slice(start, end), end: text.slice(end) };
}

/** The lengths of the common beginning and the common end of two texts, in code units. */
function measureCommon(one: string, other: string): { readonly start: number; readonly end: number } {
  const length = Math.min(one.length, other.length);
  let start = 0;
  while (start < length && one[start] === other[start]) start += 1;
  start = settle(start, (at) => Math.min(borderBefore(one, at), borderBefore(other, at)));
  let end = 0;
  while (end < length - start && one.at(-1 - end) === other.at(-1 - end)) end += 1;
  const cutEnd = (text: string, from: number): number => text.length - borderAfter(text, text.length - from);
  return { start, end: settle(end, (from) => Math.min(cutEnd(one, from), cutEnd(other, from))) };
}

/** Shortens until the length is a border in both texts: a border of one text may not be a border of the other. */
function settle(length: number, shorten: (length: number) => number): number {
  const shortened = shorten(length);
  return shortened === length ? length : settle(shortened, shorten);
}

/** Length of the shown text around a difference, in code units. */
const CONTEXT = 80;
const MIDDLE_BEGINNING = 300;
const MIDDLE_END = 150;

/** A text is shortened only when it is longer than its limit by this factor. */
const WORTH_IT = 1.5;

/** The differing part with a little text around it. */
export function excerptOf({ start, middle, end }: TextParts): TextParts {
  const isLong = middle.length > (MIDDLE_BEGINNING + MIDDLE_END) * WORTH_IT;
  return {
    start: endOf(start, CONTEXT),
    middle: isLong ? beginningOf(middle, MIDDLE_BEGINNING) + endOf(middle, MIDDLE_END).slice(1) : middle,
    end: beginningOf(end, CONTEXT),
  };
}

export function beginningOf(text: string, length: number): string {
  if (text.length <= length * WORTH_IT) return text;
  return `${text.slice(0, borderBefore(text, length))}…`;
}

function endOf(text: string, length: number): string {
  if (text.length <= length * WORTH_IT) return text;
  return `…${text.slice(borderAfter(text, text.length - length))}`;
}

const words = new Intl.Segmenter('und', { granularity: 'word' });
const characters = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** A longer run without a border, such as a key, may be divided, so that a difference in it does not mark all of it. */
const LONGEST_WORD = 60;

/**
 * The last border of words at or before a position. Inside a very long word, the last border of visible characters.
 * @param at at most the length of the text
 */
function borderBefore(text: string, at: number): number {
  const word = words.segment(text).containing(at);
  // The position is behind the last word.
  if (word === undefined) return at;
  if (at - word.index <= LONGEST_WORD) return word.index;
  return characters.segment(text).containing(at)?.index ?? at;
}

/** The first border of words at or after a position. Inside a very long word, the first border of visible characters. */
function borderAfter(text: string, at: number): number {
  const word = words.segment(text).containing(at);
  if (word === undefined || word.index === at) return at;
  const end = word.index + word.segment.length;
  if (end - at <= LONGEST_WORD) return end;
  const character = characters.segment(text).containing(at);
  if (character === undefined || character.index === at) return at;
  return character.index + character.segment.length;
}
