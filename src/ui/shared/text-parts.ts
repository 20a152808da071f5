/** A text in three parts, each of which may be empty; joined they are the text. */
export interface TextParts {
  /** Other texts begin with it too. */
  readonly start: string;
  /** What differs. */
  readonly middle: string;
  /** Other texts end with it too. */
  readonly end: string;
}

/**
 * Cuts a text into what all the others begin and end with too, and what differs between. Words stay whole, but for
 * very long ones.
 * @returns undefined when no other text differs
 */
export function cutApart(text: string, others: readonly string[]): TextParts | undefined {
  const common = others.filter((other) => other !== text).map((other) => measureCommon(text, other));
  if (common.length === 0) return undefined;
  const start = Math.min(...common.map((lengths) => lengths.start));
  const end = text.length - Math.min(...common.map((lengths) => lengths.end));
  return { start: text.slice(0, start), middle: text.slice(start, end), end: text.slice(end) };
}

/** How much of two texts is equal at their beginnings and at their ends, in code units. */
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

/** Shortens until it is a border in both texts: what is none in the other one can move it again. */
function settle(length: number, shorten: (length: number) => number): number {
  const shortened = shorten(length);
  return shortened === length ? length : settle(shortened, shorten);
}

/** How much is shown around what differs, in code units. */
const CONTEXT = 80;
const MIDDLE_BEGINNING = 300;
const MIDDLE_END = 150;

/** Shorter by less is not worth a step to the whole. */
const WORTH_IT = 1.5;

/** What differs with a little around it. */
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

/** A longer run without a border, such as a key, is cut within: who looks for a difference must not get all of it. */
const LONGEST_WORD = 60;

/**
 * The last border of words at or before a position; within a very long word, of characters as readers see them.
 * @param at at most the length of the text
 */
function borderBefore(text: string, at: number): number {
  const word = words.segment(text).containing(at);
  // Behind the last word.
  if (word === undefined) return at;
  if (at - word.index <= LONGEST_WORD) return word.index;
  return characters.segment(text).containing(at)?.index ?? at;
}

/** The first border at or after a position, in the same sense. */
function borderAfter(text: string, at: number): number {
  const word = words.segment(text).containing(at);
  if (word === undefined || word.index === at) return at;
  const end = word.index + word.segment.length;
  if (end - at <= LONGEST_WORD) return end;
  const character = characters.segment(text).containing(at);
  if (character === undefined || character.index === at) return at;
  return character.index + character.segment.length;
}
