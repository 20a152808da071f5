import { borderAfter, borderBefore } from './text-borders.ts';

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
