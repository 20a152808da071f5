import type { SearchHit } from '../memory/memory-api.ts';
import { visibleLine, withoutHidden } from '../util/visible-text.ts';

/**
 * Clients warn above 10,000 tokens of an answer, and refuse it above 25,000. Their tokenizers are not
 * known, so these are estimates that err high: text and data together stay under 10,000 by the tokenizer of GPT-4o.
 */
export const USUAL_TOKENS = 10_000;
/** Limits of the size that a caller may ask for. Below, not even one memory would fit; above, clients refuse the answer. */
export const LEAST_MAX_TOKENS = 1_000;
export const MOST_MAX_TOKENS = 20_000;

/** An answer of a tool holds the same twice, as text and as data; the rest covers the error of the estimate. */
const HALF_SHARE = 0.45;
/** An answer that is data alone. */
const WHOLE_SHARE = 0.9;

/** Tokens for each of text and data in the answer of a tool. */
export function halfOf(maxTokens: number = USUAL_TOKENS): number {
  return Math.floor(maxTokens * HALF_SHARE);
}

export const HALF_TOKENS = halfOf();

/** Marks a cut of the last resort; tools with long answers say themselves how to read on. */
const CUT = '… (cut: the answer is too long)';
const MAX_DATA_TEXT = 200;
const MAX_DATA_ITEMS = 20;

interface Answer {
  readonly text: string;
  readonly data: Record<string, unknown>;
}

/**
 * The form of a text for a client: without characters that its user would not see, and never so long that no client takes it,
 * whatever is in it. The size is the last resort.
 */
export function boundAnswer({ text, data }: Answer, half = HALF_TOKENS): Answer {
  return { text: boundText(text, half), data: toRecord(bounded(shownData(data), half)) };
}

/** Names of members may not become equal, so hidden characters in them are escaped. */
function shownData(value: unknown): unknown {
  if (typeof value === 'string') return withoutHidden(value);
  if (Array.isArray(value)) return value.map(shownData);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [visibleLine(name), shownData(member)]),
  );
}

/** The text, or its beginning with a mark, without hidden characters. */
export function boundText(whole: string, half = HALF_TOKENS): string {
  const text = withoutHidden(whole);
  const end = endOf(text, 0, { budget: half, asData: false });
  return end === text.length ? text : text.slice(0, end) + CUT;
}

/** Data is rarely as dear as it may be. */
const DATA_SLACK = 1.11;

/** Cuts the longest texts to ever less until the answer fits. */
function bounded(data: unknown, half: number): unknown {
  let [shown, left] = [data, { length: MAX_DATA_TEXT, count: MAX_DATA_ITEMS }];
  while (tokensOf(JSON.stringify(shown)) > half * DATA_SLACK && left.count > 0) {
    shown = shorten(data, left);
    left = { length: Math.ceil(left.length * 0.7), count: left.count - 3 };
  }
  return shown;
}

function shorten(value: unknown, most: { readonly length: number; readonly count: number }): unknown {
  if (typeof value === 'string') {
    return value.length > most.length ? `${value.slice(0, most.length).toWellFormed()}…` : value;
  }
  if (Array.isArray(value)) return value.slice(0, most.count).map((item) => shorten(item, most));
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).slice(0, MAX_DATA_ITEMS);
  return Object.fromEntries(
    members.map(([key, member]) => [key.slice(0, most.length).toWellFormed(), shorten(member, most)]),
  );
}

function toRecord(value: unknown): Record<string, unknown> {
  // An object stays one when it is shortened.
  return value as Record<string, unknown>;
}

/** Tokens of a text that an answer shows as text and as data, at most; an estimate of the longer of the two. */
export function tokensShown(text: string): number {
  return Math.max(tokensOf(text), tokensOf(JSON.stringify(text)));
}

/** Tokens of a text, at most; an estimate. */
export function tokensOf(text: string): number {
  const meter = new TokenMeter();
  for (let index = 0; index < text.length; index++) meter.add(text.charCodeAt(index));
  return meter.tokens;
}

/** Tokens of an item that an answer shows. */
export type Cost<Item> = (item: Item) => number;

/** An item as an answer of a tool has it: the dearer of its text and its data. */
export function costOf(text: string, data: object): number {
  return Math.max(tokensOf(text), tokensOf(JSON.stringify(data)));
}

/** The space around the items, at most, and as a share of a small answer. */
const FRAME_TOKENS = 300;
const FRAME_SHARE = 0.4;

/** Tokens for the items of an answer, without the space around them. */
function itemTokens(budget: number): number {
  return budget - Math.min(FRAME_TOKENS, budget * FRAME_SHARE);
}

/** How many of the items fit into so many tokens; at least one. */
export function countFitting<Item>(
  items: readonly Item[],
  costOfItem: Cost<Item>,
  budget = HALF_TOKENS,
): number {
  let left = itemTokens(budget);
  const over = items.findIndex((item) => (left -= costOfItem(item)) < 0);
  return over === -1 ? items.length : Math.max(1, over);
}

/** Less than a token of any text costs, by length. */
const LEAST_PER_UNIT = 0.1;

/**
 * The hits that fit, best first: first as many as possible, the long ones as their best sentences; where room is left,
 * the long ones whole, as long as they fit.
 */
export function fillWithHits(hits: readonly SearchHit[], cost: Cost<SearchHit>, budget: number): SearchHit[] {
  const shown = hits.slice(0, countFitting(hits, cost, budget));
  let left = itemTokens(budget) - shown.reduce((sum, hit) => sum + cost(hit), 0);
  return shown.map((hit) => {
    if (!hit.snippetTruncated || hit.memory.text.length * LEAST_PER_UNIT > left) return hit;
    const whole = { ...hit, snippet: hit.memory.text, snippetTruncated: false };
    const more = cost(whole) - cost(hit);
    if (more > left) return hit;
    left -= more;
    return whole;
  });
}

/** Tokens of an answer that is JSON alone. */
export function jsonTokens(maxTokens: number): number {
  return Math.floor(maxTokens * WHOLE_SHARE);
}

/**
 * Where the part of a text ends that begins at `from` and has at most so many tokens, as text and as data: after a
 * line or between words where there are any, and never within a character.
 */
export function endWithin(text: string, from: number, budget: number): number {
  return endOf(text, from, { budget, asData: true });
}

interface Extent {
  readonly budget: number;
  /** The part stands in data too, where JSON writes some characters as several. */
  readonly asData: boolean;
}

function endOf(text: string, from: number, { budget, asData }: Extent): number {
  const [meter, json] = [new TokenMeter(), new TokenMeter()];
  for (let index = from; index < text.length; index++) {
    const code = text.charCodeAt(index);
    meter.add(code);
    if (asData) for (const one of inJson(code)) json.add(one);
    if (Math.max(meter.tokens, json.tokens) > budget) return borderBefore(text, from, index);
  }
  return text.length;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The units that JSON writes for one. */
function inJson(code: number): readonly number[] {
  if (code >= 0x20 && code !== QUOTE && code !== BACKSLASH) return [code];
  const written = JSON.stringify(String.fromCharCode(code)).slice(1, -1);
  return Array.from({ length: written.length }, (_, index) => written.charCodeAt(index));
}

/** A border may move back by a quarter of the part. */
function borderBefore(text: string, from: number, end: number): number {
  const earliest = end - Math.floor((end - from) / 4);
  const line = text.lastIndexOf('\n', end - 1);
  if (line > from && line >= earliest) return line + 1;
  const space = text.lastIndexOf(' ', end - 1);
  if (space > from && space >= earliest) return space + 1;
  const start = Math.max(from, end - MAX_GRAPHEME);
  const graphemes = new Intl.Segmenter().segment(text.slice(start, end + MAX_GRAPHEME));
  const border = start + (graphemes.containing(end - start)?.index ?? 0);
  return border > from ? border : Math.max(from + 1, end);
}

const MAX_GRAPHEME = 40;

type Kind = 'lower' | 'upper' | 'digit' | 'letter' | 'space' | 'other';

function kindOf(code: number): Kind {
  if (code >= 97 && code <= 122) return 'lower';
  if (code >= 65 && code <= 90) return 'upper';
  if (code >= 48 && code <= 57) return 'digit';
  if (code === 32) return 'space';
  return code >= 0xc0 && code <= 0x6ff ? 'letter' : 'other';
}

/** Adds up the tokens of one text, unit by unit. */
class TokenMeter {
  tokens = 0;
  #before: Kind = 'other';
  #run = 0;

  add(code: number): void {
    const kind = kindOf(code);
    this.#run = kind === this.#before ? this.#run + 1 : 0;
    this.tokens += this.#weightOf(code, kind);
    this.#before = kind;
  }

  #weightOf(code: number, kind: Kind): number {
    switch (kind) {
      case 'lower':
        if (this.#run > LONG_WORD) return 0.6;
        return this.#run > 0 ? 0.25 : this.#before === 'upper' ? 0.5 : 0.7;
      case 'upper':
        return this.#run > 0 ? 0.6 : 1;
      case 'digit':
        return this.#run > 0 ? 0.5 : 1;
      case 'space':
        return this.#run > 0 ? 0.3 : 0.1;
      case 'letter':
        return letterWeight(code);
      default:
        return otherWeight(code);
    }
  }
}

/** Longer runs of letters are no words, and cost more. */
const LONG_WORD = 14;

function letterWeight(code: number): number {
  if (code < 0x180) return 1.4;
  return code < 0x370 ? 2 : 0.9;
}

/** Scripts and signs that vocabularies have no words of: each of their characters costs two or three. */
const RARE: readonly (readonly [from: number, to: number])[] = [
  [0x700, 0x8ff],
  [0x1100, 0x177f],
  [0x1800, 0x1dff],
  [0x2380, 0x2fff],
  [0x3180, 0x4dff],
  [0xa000, 0xabff],
  [0xfb00, 0xfeff],
];

function otherWeight(code: number): number {
  // A quotation begins each line with a mark, which counts here too.
  if (code < 0x20) return code === 9 ? 1.2 : 4.4;
  if (code < 0x80) return 0.9;
  // Signs of one word each, syllables, and the halves of pairs beyond.
  if (code >= 0xd800 && code <= 0xdfff) return 2;
  if (code >= 0xe000 && code <= 0xf8ff) return 3;
  return RARE.some(([from, to]) => code >= from && code <= to) ? 2.6 : 1.8;
}
