import { decodeUtf8 } from '../util/text.ts';

/**
 * Members and items that a message may have in all. The largest call that makes sense, a hundred memories with all
 * their tags, has 7,000; checking as many as this takes some 20 ms.
 */
export const MAX_JSON_VALUES = 20_000;
/** Metadata may have 20 levels, and stands a few levels deep in a message. */
export const MAX_JSON_DEPTH = 64;

/** Why a text was not read, as the rest of a sentence that begins with the name of the text. */
export interface JsonProblem {
  readonly problem: string;
  readonly fix: string;
  /** True when it may well be JSON, and was too much of it. */
  readonly tooMuch?: { readonly id: unknown };
}

export type JsonReading = { readonly value: unknown } | JsonProblem;

export const NOT_UTF8: JsonProblem = { problem: 'is not UTF-8', fix: 'send JSON in UTF-8' };

/**
 * Reads the JSON values that stand one behind the other in a text; usually one. Counts before it builds anything, so
 * the time is linear and small whatever the text is. Empty for a text of white space only.
 */
export function readJson(bytes: Uint8Array): JsonReading[] {
  const { ends, tooMuch, idAt } = measure(bytes);
  if (tooMuch !== undefined) return [{ ...tooMuch, tooMuch: { id: readId(bytes, idAt) } }];
  let start = 0;
  const parts = ends.map((end) => {
    const part = bytes.subarray(start, end);
    start = end;
    return part;
  });
  return parts.flatMap((part) => parse(part));
}

function parse(bytes: Uint8Array): JsonReading[] {
  const text = decodeUtf8(bytes);
  if (text === undefined) return [NOT_UTF8];
  if (text.trim() === '') return [];
  try {
    return [{ value: JSON.parse(text) as unknown }];
  } catch {
    return [{ problem: 'is no JSON', fix: 'send one JSON value without anything around it' }];
  }
}

/** The member `id` of a text that is not read, for its answer. */
function readId(bytes: Uint8Array, at: number | undefined): unknown {
  const text = at === undefined ? undefined : decodeUtf8(bytes.subarray(at, at + MAX_ID_BYTES));
  const [, id] = /^\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)/.exec(text ?? '') ?? [];
  return id === undefined ? undefined : JSON.parse(id);
}

const MAX_ID_BYTES = 256;
const ID = [0x69, 0x64];

interface Measured {
  /** Behind each value, the last one being the end of the text. */
  readonly ends: readonly number[];
  readonly tooMuch?: JsonProblem | undefined;
  /** Behind the name of the member `id` of the outermost object. */
  readonly idAt: number | undefined;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

/** Only brackets, commas and quotes count; whether the rest is JSON, the parser says. */
function measure(bytes: Uint8Array): Measured {
  const ends: number[] = [];
  let idAt: number | undefined;
  let values = 0;
  let depth = 0;
  let deepest = 0;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index];
    if (byte === QUOTE) {
      const start = index + 1;
      index = endOfText(bytes, start);
      if (depth === 1 && index === start + 2 && bytes[start] === ID[0] && bytes[start + 1] === ID[1]) {
        idAt ??= index + 1;
      }
    } else if (byte === COMMA) {
      values += 1;
    } else if (isOpening(byte)) {
      values += 1;
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (isClosing(byte)) {
      depth -= 1;
      if (depth === 0) ends.push(index + 1);
    }
  }
  const tooMuch = deepest > MAX_JSON_DEPTH ? TOO_DEEP : values > MAX_JSON_VALUES ? TOO_MANY : undefined;
  return { ends: [...ends, bytes.length], tooMuch, idAt };
}

/** Where the quote stands that ends a text. */
function endOfText(bytes: Uint8Array, start: number): number {
  const first = bytes.indexOf(QUOTE, start);
  if (first === -1) return bytes.length;
  if (bytes[first - 1] !== BACKSLASH) return first;
  let index = start;
  while (index < bytes.length && bytes[index] !== QUOTE) index += bytes[index] === BACKSLASH ? 2 : 1;
  return index;
}

function isOpening(byte: number | undefined): boolean {
  return byte === 0x7b || byte === 0x5b;
}

function isClosing(byte: number | undefined): boolean {
  return byte === 0x7d || byte === 0x5d;
}

const TOO_DEEP = {
  problem: `is nested more than ${MAX_JSON_DEPTH} levels deep`,
  fix: `send at most ${MAX_JSON_DEPTH} levels`,
};
const TOO_MANY = {
  problem: `has more than ${MAX_JSON_VALUES} members and items`,
  fix: 'send less at once',
};
