/**
 * Clients warn above 10,000 tokens of an answer, and refuse it above 25,000. Which tokenizer they use nobody knows, so
 * these are estimates that err high: text and data together stay under 10,000 by the tokenizer of GPT-4o.
 */
export const HALF_TOKENS = 4_500;

/** Marks what the last resort cut; tools that may answer with much say themselves how to read on. */
const CUT = '… (cut: the answer is too long)';
const MAX_DATA_TEXT = 200;

interface Answer {
  readonly text: string;
  readonly data: Record<string, unknown>;
}

/** The last resort against an answer that no client takes, whatever is in it. */
export function boundAnswer({ text, data }: Answer): Answer {
  return { text: boundText(text), data: fits(JSON.stringify(data)) ? data : toRecord(shorten(data)) };
}

/** The text, or its beginning with a mark. */
export function boundText(text: string): string {
  const end = endWithin(text, 0, HALF_TOKENS);
  return end === text.length ? text : text.slice(0, end) + CUT;
}

function fits(json: string): boolean {
  return endWithin(json, 0, HALF_TOKENS + 500) === json.length;
}

function shorten(value: unknown): unknown {
  if (typeof value === 'string') {
    return value.length > MAX_DATA_TEXT ? `${value.slice(0, MAX_DATA_TEXT).toWellFormed()}…` : value;
  }
  if (Array.isArray(value)) return value.slice(0, 20).map(shorten);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).slice(0, 20);
  return Object.fromEntries(members.map(([key, member]) => [key.slice(0, MAX_DATA_TEXT), shorten(member)]));
}

function toRecord(value: unknown): Record<string, unknown> {
  // An object stays one when it is shortened.
  return value as Record<string, unknown>;
}

/** Tokens of a text, at most; an estimate. */
export function tokensOf(text: string): number {
  const meter = new TokenMeter();
  for (let index = 0; index < text.length; index++) meter.add(text.charCodeAt(index));
  return meter.tokens;
}

/** How many items fit into an answer, each given as its text and its data; at least one. */
export function countFitting(items: readonly (readonly [text: string, data: object])[]): number {
  let left = HALF_TOKENS - FRAME_TOKENS;
  const over = items.findIndex(([text, data]) => {
    left -= Math.max(tokensOf(text), tokensOf(JSON.stringify(data)));
    return left < 0;
  });
  return over === -1 ? items.length : Math.max(1, over);
}

/** What stands around the items. */
const FRAME_TOKENS = 300;

/**
 * Where the part of a text ends that begins at `from` and has at most so many tokens: after a line or between words
 * where there are any, and never within a character.
 */
export function endWithin(text: string, from: number, budget: number): number {
  const meter = new TokenMeter();
  for (let index = from; index < text.length; index++) {
    meter.add(text.charCodeAt(index));
    if (meter.tokens > budget) return borderBefore(text, from, index);
  }
  return text.length;
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
        return code < 0x250 ? 1.4 : 0.9;
      default:
        return otherWeight(code);
    }
  }
}

/** Longer runs of letters are no words, and cost more. */
const LONG_WORD = 14;

function otherWeight(code: number): number {
  // A quotation begins each line with a mark, which counts here too.
  if (code < 0x20) return code === 9 ? 1.2 : 4.4;
  if (code < 0x80) return 0.9;
  // Signs of one word each, syllables, and the halves of what lies beyond.
  if (code >= 0xd800 && code <= 0xdfff) return 2;
  return code >= 0xe000 && code <= 0xf8ff ? 3 : 1.8;
}
