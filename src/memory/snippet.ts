import type { Place } from './matched-words.ts';

export interface Snippet {
  readonly text: string;
  readonly truncated: boolean;
}

/** Length of an excerpt in characters. Five excerpts stay under 500 tokens. */
export const SNIPPET_LENGTH = 240;

/** The places that an excerpt should show. */
export interface Interest {
  /** Places of matching words, the most interesting first. */
  readonly places: readonly Place[];
  /** The chunk that is closest by meaning; null = not known. */
  readonly chunk: Place | null;
}

/** Lengths of the parts of an excerpt with one, two or three parts, the most interesting part first. */
const SHARES: readonly (readonly number[])[] = [[240], [136, 101], [92, 71, 71]];
const MAX_PARTS = 3;

/**
 * An excerpt of at most `SNIPPET_LENGTH` characters, not counting the marks of its cuts; a shorter text is returned
 * whole. A long text gives up to three parts in their order in the text: the densest matches, the chunk that is
 * closest by meaning, and other matches. A part begins with the sentence before its match if there is room, and
 * neither begins nor ends inside a word.
 */
export function excerpt(text: string, { places, chunk }: Interest): Snippet {
  if (text.length <= SNIPPET_LENGTH) return { text, truncated: false };
  const borders = new Borders(text);
  const anchors = anchorsOf(borders, places, chunk);
  const shares = SHARES[anchors.length - 1] ?? [];
  const parts = anchors.map((anchor, index) => borders.part(anchor, shares[index] ?? 0));
  return { text: joined(text, parts), truncated: true };
}

/** Cuts a text to at most `length` characters at a border of words. */
export function beginningOf(text: string, length: number): string {
  if (text.length <= length) return text;
  return `${text.slice(0, new Borders(text).before(length)).trimEnd()}…`;
}

interface Anchor extends Place {
  /** True when the part begins exactly at this place. */
  readonly exact?: boolean;
}

/** The places that get a part: the first match, the closest chunk, and matches that no earlier part shows. */
function anchorsOf(borders: Borders, places: readonly Place[], chunk: Place | null): readonly Anchor[] {
  const [first, ...others] = places;
  const piece = chunk === null ? null : { start: chunk.start, end: chunk.start + 1, exact: true };
  if (first === undefined) return [piece ?? { start: 0, end: 0 }];
  const anchors: Anchor[] = [first];
  const isNewHere = (place: Place): boolean => anchors.every((anchor) => !borders.isNear(anchor, place));
  const inPiece = ({ start }: Place): boolean => chunk !== null && start >= chunk.start && start < chunk.end;
  if (piece !== null && !inPiece(first) && isNewHere(piece)) {
    anchors.push(others.find((place) => inPiece(place) && isNewHere(place)) ?? piece);
  }
  for (const place of others) {
    if (anchors.length === MAX_PARTS) break;
    if (isNewHere(place)) anchors.push(place);
  }
  return anchors;
}

function joined(text: string, parts: readonly Place[]): string {
  const merged: { start: number; end: number }[] = [];
  for (const { start, end } of parts.toSorted((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end);
    else merged.push({ start, end });
  }
  const shown = merged.map(({ start, end }) => text.slice(start, end).trim()).join(' … ');
  const isCutAtStart = (merged[0]?.start ?? 0) > 0;
  const isCutAtEnd = (merged.at(-1)?.end ?? text.length) < text.length;
  return `${isCutAtStart ? '…' : ''}${shown}${isCutAtEnd ? '…' : ''}`;
}

const segmenters = new Map<string, Intl.Segmenter>();

/** Made at its first use, because the first object of `Intl` in a process takes 10 ms, which clients would wait for. */
function segmenter(granularity: 'word' | 'sentence' | 'grapheme'): Intl.Segmenter {
  const known = segmenters.get(granularity) ?? new Intl.Segmenter('und', { granularity });
  segmenters.set(granularity, known);
  return known;
}

/** A space within this distance is preferred to a border at a hyphen or a sign. */
const NEAR_SPACE = 24;
/** A longer run without a border, such as a key, is cut inside. */
const LONGEST_WORD = 60;
/** At most this part of an excerpt part stands before its match. */
const LEAD_SHARE = 0.4;

/** Finds positions where a text can be cut. */
class Borders {
  readonly #text: string;
  readonly #words: Intl.Segments;
  readonly #sentences: Intl.Segments;

  constructor(text: string) {
    this.#text = text;
    this.#words = segmenter('word').segment(text);
    this.#sentences = segmenter('sentence').segment(text);
  }

  /** True when a part around one place probably shows the other one too. */
  isNear(anchor: Place, place: Place): boolean {
    const [, [, shortest = 0] = []] = SHARES;
    return place.start >= anchor.start - shortest / 2 && place.end <= anchor.start + shortest;
  }

  /** A part of at most `length` characters that shows an anchor. */
  part(anchor: Anchor, length: number): Place {
    const latest = this.#after(Math.max(0, this.#text.length - length));
    const begin = anchor.exact === true ? this.#after(anchor.start) : this.#start(anchor, length);
    const start = Math.min(begin, latest);
    const end = this.before(Math.min(this.#text.length, start + length));
    return { start, end: end <= anchor.start ? this.#characterBefore(start + length) : end };
  }

  /** The last border at or before a position. */
  before(position: number): number {
    if (position <= 0 || position >= this.#text.length)
      return Math.max(0, Math.min(position, this.#text.length));
    for (let at = position; at > Math.max(0, position - NEAR_SPACE); at -= 1)
      if (this.#isSpace(at) || this.#isSpace(at - 1)) return at;
    const word = this.#words.containing(position);
    if (word === undefined || position - word.index <= LONGEST_WORD) return word?.index ?? position;
    return this.#characterBefore(position);
  }

  /** The first border at or after a position. */
  #after(position: number): number {
    if (position <= 0 || position >= this.#text.length || this.#isSpace(position - 1)) return position;
    const word = this.#words.containing(position);
    if (word === undefined || word.index === position) return position;
    const end = word.index + word.segment.length;
    return end - position <= LONGEST_WORD ? end : this.#characterBefore(position);
  }

  /** The beginning of the sentence before the anchor's sentence, else of the anchor's sentence, else of a near word. */
  #start(anchor: Place, length: number): number {
    const earliest = anchor.start - Math.floor(length * LEAD_SHARE);
    const own = this.#sentences.containing(anchor.start)?.index ?? 0;
    const previous = own === 0 ? 0 : (this.#sentences.containing(own - 1)?.index ?? own);
    if (previous >= earliest) return this.#skipSpaces(previous);
    if (own >= earliest) return this.#skipSpaces(own);
    return this.#after(Math.max(0, earliest));
  }

  #skipSpaces(position: number): number {
    let start = position;
    while (start < this.#text.length && this.#isSpace(start)) start += 1;
    return start;
  }

  #characterBefore(position: number): number {
    return segmenter('grapheme').segment(this.#text).containing(position)?.index ?? position;
  }

  #isSpace(index: number): boolean {
    return /\s/u.test(this.#text.charAt(index));
  }
}
