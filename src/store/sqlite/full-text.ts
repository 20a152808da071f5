import { UNSPACED } from '../../memory/languages.ts';
import { STOP_WORDS } from './stop-words.ts';

/** More terms than this make a search slower, not better. */
const MAX_TERMS = 64;
/** Longer runs of joined words (a URL with its query, a base64 text) are no phrase that anybody repeats. */
const MAX_PHRASE_WORDS = 12;

const WORD = /[\p{L}\p{N}\p{M}\p{Co}]+/gu;
/** Hebrew points and Arabic vowel signs, which writers set or leave out at will. */
const OPTIONAL_MARKS = /[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670]/g;
/** Letters that Unicode does not decompose, but that are written with ASCII letters where the keyboard lacks them. */
const SPELLED_OUT: Readonly<Record<string, string>> = {
  ß: 'ss',
  ẞ: 'ss',
  æ: 'ae',
  Æ: 'ae',
  œ: 'oe',
  Œ: 'oe',
  ø: 'o',
  Ø: 'o',
  ł: 'l',
  Ł: 'l',
  đ: 'd',
  Đ: 'd',
  ı: 'i',
};
const SPELLED_OUT_LETTER = /[ßẞæÆœŒøØłŁđĐı]/g;

/**
 * The form of a text that goes into the full-text index: compatibility forms and optional marks are unified,
 * and scripts without spaces are split into single characters, so that pairs of characters can be searched.
 * Case, accents and English endings are the tokenizer's business.
 */
export function indexedText(text: string): string {
  return unify(text).replace(UNSPACED, ' $& ');
}

function unify(text: string): string {
  return text
    .normalize('NFKC')
    .replace(OPTIONAL_MARKS, '')
    .replace(SPELLED_OUT_LETTER, (letter) => SPELLED_OUT[letter] ?? letter);
}

/**
 * Makes an FTS5 query of free text: any of its words may match, stop words only when there is nothing else.
 * Words joined by punctuation (`10.0.0.5`, `foo_bar`) match as a phrase or by their parts; runs of characters
 * without spaces match by their adjacent pairs. Every term is quoted and holds nothing but letters, digits and
 * spaces, so no query syntax can get in.
 * @returns null when the text has no word
 */
export function fullTextQuery(text: string): string | null {
  const words: string[] = [];
  const phrases: string[] = [];
  for (const piece of unify(text).toLowerCase().split(/\s+/u)) {
    const pieceWords = piece.match(WORD) ?? [];
    if (pieceWords.length > 1 && pieceWords.length <= MAX_PHRASE_WORDS)
      phrases.push(spaced(pieceWords.join(' ')));
    words.push(...pieceWords.flatMap(searchTerms));
  }
  const telling = words.filter((word) => !STOP_WORDS.has(word));
  const terms = new Set([...phrases, ...(telling.length > 0 ? telling : words)]);
  if (terms.size === 0) return null;
  return mostTelling([...terms])
    .map((term) => `"${term}"`)
    .join(' OR ');
}

/** A word as it is; where its script has no spaces, the adjacent pairs of its characters. */
function searchTerms(word: string): string[] {
  const parts = spaced(word).split(/ +/);
  if (parts.length === 1) return parts;
  const pairs = parts.slice(1).map((part, index) => `${parts[index] ?? ''} ${part}`);
  return [...parts.filter((part) => part.search(UNSPACED) === -1), ...pairs];
}

function spaced(text: string): string {
  return text.replace(UNSPACED, ' $& ').trim();
}

/** Long terms are rare terms; equal lengths stay in the order of the query. */
function mostTelling(terms: readonly string[]): readonly string[] {
  if (terms.length <= MAX_TERMS) return terms;
  return [...terms].sort((a, b) => b.length - a.length).slice(0, MAX_TERMS);
}
