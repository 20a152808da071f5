import { isStopWord } from '../util/stop-words.ts';
import { readsAsEnglish, UNSPACED } from './languages.ts';
import { wordForms, type WordForm } from './word-forms.ts';

/** Terms of a query beyond this number make a search slower, not better. */
const MAX_TERMS = 64;
/** Longer runs of joined words, such as a URL with its query or a base64 text, are not repeated exactly. */
const MAX_PHRASE_WORDS = 12;
/** Lengths to which people abbreviate the hash of a commit. */
const SHORT_HASH = { from: 7, to: 12 };
/**
 * Words of other languages than English are also found by their first letters, because the index cuts English endings
 * only. Of 100 questions in German, French, Spanish, Polish and Russian this finds 84 first instead of 57.
 */
const BEGINNING = 5;
/** A query with more words is a text, whose many beginnings would find everything. */
const MAX_BEGINNINGS = 16;
/** A longer run of characters is a sentence; in a shorter one, which is a word, no character may stand alone. */
const LONGEST_WORD = 4;
/** Characters that are words or syllables by themselves, unlike letters of Thai or Japanese syllables. */
const MEANINGFUL = /^[\p{Script=Han}\p{Script=Myanmar}]\p{M}*$/u;
const LETTERS = /^\p{L}[\p{L}\p{M}]*$/u;

const WORD = /[\p{L}\p{N}\p{M}\p{Co}]+/gu;
/** Marks that writers may leave out: Hebrew points, Arabic vowel signs and lengthening, and soft hyphens. */
const OPTIONAL_MARKS =
  /[\u00ad\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670]/g;
/** Letters that Unicode does not decompose, with the letters that people type when their keyboard lacks them. */
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
  ё: 'е',
  Ё: 'Е',
  أ: 'ا',
  إ: 'ا',
  آ: 'ا',
  ى: 'ي',
  ی: 'ي',
  ک: 'ك',
};
const SPELLED_OUT_LETTER = /[ßẞæÆœŒøØłŁđĐıёЁأإآىیک]/g;
/** Accents that the tokenizer of the index keeps: those of Greek, and stress marks on Cyrillic vowels. */
const ACCENTED = /[\p{Script=Greek}\p{Script=Cyrillic}]\p{M}|[\u0386-\u03ce\u1f00-\u1fff]/u;
const OTHER_ACCENTS = /(?<=\p{Script=Greek}\p{M}*)\p{M}|(?<=[аеиоуыэюяіѣ])[\u0300\u0301]/giu;

/** Unifies compatibility forms, optional marks and spellings; keeps case and Latin accents. */
export function unified(text: string): string {
  const plain = text
    .normalize('NFKC')
    .replace(OPTIONAL_MARKS, '')
    .replace(SPELLED_OUT_LETTER, (letter) => SPELLED_OUT[letter] ?? letter);
  return ACCENTED.test(plain) ? plain.normalize('NFD').replace(OTHER_ACCENTS, '').normalize('NFC') : plain;
}

/**
 * The text as the full-text index gets it: unified; with spaces around each character of scripts without spaces, so
 * that pairs of characters can be searched; and with the keys of its special forms at the end. The tokenizer of the
 * index folds case and Latin accents and cuts English endings.
 */
export function indexedText(text: string): string {
  const plain = unified(text);
  const keys = new Set<string>();
  for (const form of wordForms(plain)) for (const key of allKeys(form)) keys.add(key);
  const words = plain.replace(UNSPACED, ' $& ');
  return keys.size === 0 ? words : `${words} ${[...keys].join(' ')}`;
}

function allKeys({ keys, contained = [] }: WordForm): readonly string[] {
  return [...keys, ...contained];
}

/** A word of a text as the index holds it, or a key of a special form. */
export interface IndexedWord {
  readonly word: string;
  /** Offsets in the text. */
  readonly start: number;
  readonly end: number;
}

/** The words of `indexedText` in their order, in lower case and without accents. */
export function indexedWords(text: string): IndexedWord[] {
  const composed = text.normalize('NFKC');
  const plain = composed.length === text.length ? composed : text;
  const words = ASCII.test(plain) ? asciiWords(plain) : [...foldedWords(plain)];
  for (const form of wordForms(plain)) {
    const { start, end } = form;
    for (const key of allKeys(form))
      for (const word of key.split(' ')) words.push({ word: folded(word), start, end });
  }
  return words;
}

/** The words that `foldedWords` finds in such a text, in less time: most texts are of this kind, and each hit of a search is read. */
function asciiWords(text: string): IndexedWord[] {
  const words: IndexedWord[] = [];
  const lower = text.toLowerCase();
  for (let start = 0; start < lower.length; start++) {
    let end = start;
    while (end < lower.length && isAsciiWord(lower.charCodeAt(end))) end++;
    if (end === start) continue;
    words.push({ word: lower.slice(start, end), start, end });
    start = end;
  }
  return words;
}

/** @param code of a character in lower case */
function isAsciiWord(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39);
}

function* foldedWords(text: string): Generator<IndexedWord> {
  for (const match of text.matchAll(WORD)) {
    for (const part of partsOf(match[0])) {
      const start = match.index + part.at;
      yield { word: folded(part.text), start, end: start + part.text.length };
    }
  }
}

/** Splits a word into single characters of scripts without spaces and the pieces between them. */
function partsOf(word: string): { readonly text: string; readonly at: number }[] {
  if (word.search(UNSPACED) === -1) return [{ text: word, at: 0 }];
  return [...word.matchAll(PART)].map((match) => ({ text: match[0], at: match.index }));
}

const PART = new RegExp(`${UNSPACED.source}|(?:(?!${UNSPACED.source}).)+`, 'gsu');

const ASCII = /^\p{ASCII}*$/u;

/** A word as the tokenizer of the index folds it, with its English ending kept. */
export function folded(word: string): string {
  if (ASCII.test(word)) return word.toLowerCase();
  return unified(word)
    .toLowerCase()
    .normalize('NFD')
    .replace(/(?<=\p{Script=Latin}\p{M}*)\p{M}/gu, '')
    .normalize('NFC');
}

/** One term that a query looks for in the index. */
export interface QueryTerm {
  /** Words that must follow each other directly. */
  readonly words: readonly string[];
  /** True when the last word may be the beginning of a longer one. */
  readonly prefix: boolean;
  /** The term as written in the query; it explains hits. */
  readonly shown: string;
}

/**
 * The terms of a free text; one match is enough. Every word is a term, stop words only when there is no other term.
 * Words joined by punctuation (`10.0.0.5`, `foo_bar`) are also phrases. Scripts without spaces give pairs of adjacent
 * characters, sentences in Chinese characters and Burmese also each character. Long numbers and hashes match by their beginning, and so do words of other languages than English; symbols,
 * emoji and identifiers match by their keys.
 */
export function queryTerms(text: string): readonly QueryTerm[] {
  const plain = unified(text);
  const forms = [...wordForms(plain)];
  const terms = new Map<string, QueryTerm>();
  const words: QueryTerm[] = [];
  for (const form of forms) {
    const shown = plain.slice(form.start, form.end);
    for (const key of form.keys) addTerm(terms, { words: key.split(' '), prefix: false, shown });
  }
  for (const piece of plain.matchAll(/\S+/gu)) {
    const found = [...piece[0].matchAll(WORD)];
    if (found.length > 1 && found.length <= MAX_PHRASE_WORDS) addTerm(terms, phraseOf(piece[0], found));
    for (const { 0: word, index } of found) {
      const at = piece.index + index;
      // A query for `C++` does not look for `C`, and one for a telephone number does not look for its parts.
      const isCovered = forms.some(
        ({ start, end, covers }) => word.length <= covers && at >= start && at < end,
      );
      if (!isCovered) words.push(...wordTerms(word.toLowerCase()));
    }
  }
  for (const term of thousands(plain)) addTerm(terms, term);
  const telling = words.filter((term) => !isStopWord(term.words.join(' ')));
  for (const term of telling.length > 0 || terms.size > 0 ? telling : words) addTerm(terms, term);
  if (plain.search(UNSPACED) === -1 && !readsAsEnglish(text)) {
    for (const term of beginnings(words)) addTerm(terms, term);
  }
  return mostTelling([...terms.values()]);
}

function beginnings(words: readonly QueryTerm[]): QueryTerm[] {
  const long = words.flatMap(({ words: [word = '', ...others], shown }) => {
    const letters = Array.from(word);
    if (others.length > 0 || letters.length <= BEGINNING || !LETTERS.test(word)) return [];
    return [{ words: [letters.slice(0, BEGINNING).join('')], prefix: true, shown }];
  });
  return long.length > MAX_BEGINNINGS ? [] : long;
}

function addTerm(terms: Map<string, QueryTerm>, term: QueryTerm): void {
  const key = `${term.words.join(' ')}${term.prefix ? '*' : ''}`;
  if (!terms.has(key)) terms.set(key, term);
}

/** The beginning of a UUID such as `3f2504e0-4f89-41d3`. */
const DASHED_HASH = /^[0-9a-f]{8}(?:-[0-9a-f]{1,12})+$/i;

function phraseOf(piece: string, words: readonly RegExpExecArray[]): QueryTerm {
  const shown = piece.slice(
    words[0]?.index ?? 0,
    (words.at(-1)?.index ?? 0) + (words.at(-1)?.[0].length ?? 0),
  );
  const phrase = spaced(words.map(([word]) => word.toLowerCase()).join(' '));
  return { words: phrase.split(/ +/), prefix: DASHED_HASH.test(shown), shown };
}

/** The word itself; for scripts without spaces, the pairs of its adjacent characters, and those that are words alone. */
function wordTerms(word: string): QueryTerm[] {
  const parts = spaced(word).split(/ +/);
  if (parts.length === 1)
    return [{ words: parts, prefix: isLongNumber(word), shown: word }, ...shortHashes(word)];
  const pairs = parts.slice(1).map((part, index) => [parts[index] ?? '', part]);
  const isSentence = parts.length > LONGEST_WORD;
  const others = parts
    .filter((part) => part.search(UNSPACED) === -1 || (isSentence && MEANINGFUL.test(part)))
    .map((part) => [part]);
  return [...others, ...pairs].map((pair) => ({ words: pair, prefix: false, shown: pair.join('') }));
}

function isLongNumber(word: string): boolean {
  return /^(?=\D*\d)[0-9a-f]{6,64}$/.test(word) || /^[a-f]{7,64}$/.test(word);
}

/** Shorter forms of a commit hash, because a memory may hold it abbreviated. */
function shortHashes(word: string): QueryTerm[] {
  if (!/^(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{13,64}$/.test(word)) return [];
  return Array.from({ length: SHORT_HASH.to - SHORT_HASH.from + 1 }, (_, index) => ({
    words: [word.slice(0, SHORT_HASH.from + index)],
    prefix: false,
    shown: word,
  }));
}

const GROUPED_THOUSANDS = /(?<![\p{L}\p{N}.,'’])\d{1,3}(?:[.,'’]\d{3}){1,2}(?![\p{L}\p{N}]|[.,'’]\d{3})/gu;
/** Not years, which are not grouped. */
const PLAIN_THOUSANDS = /(?<![\p{L}\p{N}.,'’])(?!(?:19|20)\d\d(?!\d))[1-9]\d{3,8}(?![\p{L}\p{N}])/gu;

/** The thousands of a number may be grouped in the text and not in the query, and the other way round. */
function* thousands(query: string): Generator<QueryTerm> {
  for (const { 0: shown } of query.matchAll(GROUPED_THOUSANDS)) {
    yield { words: [shown.replaceAll(/\D/g, '')], prefix: false, shown };
  }
  for (const { 0: shown } of query.matchAll(PLAIN_THOUSANDS)) {
    yield { words: shown.split(/(?=(?:\d{3})+$)/), prefix: false, shown };
  }
}

function spaced(text: string): string {
  return text.replace(UNSPACED, ' $& ').trim();
}

/** Keeps the longest terms, which are the rarest; terms of equal length stay in the order of the query. */
function mostTelling(terms: readonly QueryTerm[]): readonly QueryTerm[] {
  if (terms.length <= MAX_TERMS) return terms;
  const length = ({ words }: QueryTerm): number => words.join(' ').length;
  return [...terms].sort((a, b) => length(b) - length(a)).slice(0, MAX_TERMS);
}
