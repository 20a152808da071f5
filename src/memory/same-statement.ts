import { stemmer } from 'stemmer';
import { isInEnglish, readsAsEnglish, UNSPACED } from './languages.ts';
import { isStopWord } from '../util/stop-words.ts';

/**
 * same: both say the same, word for word and in the same order, so one may replace the other.
 * close: they share much of their wording, and a person must decide. different: they share little.
 */
export type Relation = 'same' | 'close' | 'different';

/** The most important difference between two texts. */
export type Difference = 'numbers' | 'negation' | 'symbols' | 'words' | 'order' | 'form';

export interface Comparison {
  readonly relation: Relation;
  /** Absent for the same statement. */
  readonly differs?: Difference;
}

/** Part of the words that close texts share: lower in English, where a cosine is there too, than elsewhere. */
const CLOSE_IN_ENGLISH = 0.3;
const CLOSE_ELSEWHERE = 0.6;

/**
 * Compares two whole texts by their wording alone. Vectors cannot do this: two sentences that differ in one number,
 * in a "not" or in the order of two names have nearly the same vector.
 */
export function compareStatements(a: string, b: string): Comparison {
  return new Statement(a).compare(b);
}

/** A text that is compared with many others: its prepared form is made once. */
export class Statement {
  readonly #text: string;
  readonly #key: string;
  readonly #isEnglish: boolean;
  /** Words that every text with the same key has too, in small letters. */
  readonly #kept: readonly string[];

  constructor(text: string) {
    this.#text = text;
    this.#key = statementKey(text);
    this.#isEnglish = readsAsEnglish(text);
    const words = this.#key.toLowerCase().match(/[a-z]{4,}/g) ?? [];
    this.#kept = [...new Set(words)].filter((word) => !UNIFIED_INTO.has(word));
  }

  /** True when the other text has the same key. Most texts are told apart without making theirs. */
  saysTheSame(other: string): boolean {
    if (PLAIN.test(other)) {
      const lower = other.toLowerCase();
      if (this.#kept.some((word) => !lower.includes(word))) return false;
    }
    return statementKey(other) === this.#key;
  }

  compare(other: string): Comparison {
    const key = statementKey(other);
    if (key === this.#key) return { relation: 'same' };
    const enough = this.#isEnglish && readsAsEnglish(other) ? CLOSE_IN_ENGLISH : CLOSE_ELSEWHERE;
    const isClose = sharedPart(this.#text, other) >= enough;
    return { relation: isClose ? 'close' : 'different', differs: differenceOf(this.#key, key) };
  }
}

/** Text whose other forms of characters are all white space. */
const PLAIN = /^[\0-\x7f]*$/;
/** The words of four letters or more that a key may have and its text not: they come from contractions. */
const UNIFIED_INTO = new Set(['will', 'have', 'shall']);

/**
 * Equal for texts that say the same without any doubt. They may differ in white space, Unicode form, the style of
 * quotation marks and a full stop at the end. In English also in the capital of the first word, contractions
 * (isn't, is not), numbers up to twelve as words, and a `The` at the beginning, unless the text is about words.
 * Everything else counts, with its order: a difference in a number, a name, a "not", an operator, the spelling of a
 * word, the indentation of code or the columns of a table makes another statement.
 */
export function statementKey(text: string): string {
  const plain = unify(text);
  return withoutEnd(readsAsEnglish(plain) ? unifyEnglish(plain) : plain);
}

/** Characters that are not displayed, except the joiners, which Persian, Indian scripts and emoji need. */
const INVISIBLE = /[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/gu;

/** Spaces in a row say something in several lines, which may be a table, beside tabs and beside quotation marks. */
const LAID_OUT = /\n|\S\t+\S|["'`] {2}| {2}["'`]/u;

function unify(text: string): string {
  const plain = unifyCharacters(text);
  return LAID_OUT.test(plain) ? plain : plain.replace(/ {2,}/gu, ' ');
}

function unifyCharacters(text: string): string {
  return (
    text
      .normalize('NFC')
      .replace(INVISIBLE, '')
      // Other compatibility forms than full-width and half-width ones, such as the ² of m², have a meaning of their own.
      .replace(/[\uff01-\uffef]+/gu, (forms) => forms.normalize('NFKC'))
      .replace(/[‘’‚‛]/gu, "'")
      .replace(/[“”„‟]/gu, '"')
      .replace(/[‐‑–−]/gu, '-')
      .replaceAll('…', '...')
      .replace(/\r\n?|[\u2028\u2029]/gu, '\n')
      .replace(/[^\S\n]+(?=\n|$)/gu, '')
      .replace(/\n{2,}/gu, '\n')
      // Spaces that begin a line are its indentation, whatever their kind.
      .replace(/(?<=\S[^\S\n]*)[^\S\n\t]/gu, ' ')
      .trim()
  );
}

/** A full stop after a letter, a digit or a closing mark ends a statement; `n!`, `save!` and `?` say something. */
function withoutEnd(text: string): string {
  return text.replace(/(?<=[\p{L}\p{M}\p{N})\]"'%])\.$|(?<=[\p{L}\p{M}])[。．।۔።։።]+$/u, '');
}

const NUMBERS = 'zero one two three four five six seven eight nine ten eleven twelve'.split(' ');
const WEEKDAY_OR_MONTH =
  /^(?:(?:mon|tues|wednes|thurs|fri|satur|sun)days?|january|february|april|june|july|september|october|november|december)$/;
/** A beginning that is not part of the statement. */
const LEAD_IN = /^(?:please )?(?:(?:remember|note) that |(?:remember|note|reminder|fyi): )/i;
const ENDINGS: Readonly<Record<string, string>> = {
  "n't": ' not',
  "'re": ' are',
  "'ve": ' have',
  "'ll": ' will',
  "'m": ' am',
};
const IRREGULAR: ReadonlyMap<string, string> = new Map([
  ["can't", 'can not'],
  ['cannot', 'can not'],
  ["won't", 'will not'],
  ["shan't", 'shall not'],
  ["let's", 'let us'],
]);
const IS = /^(?:it|he|she|that|there|here|what|who|where)'s$/;
const WITHOUT_APOSTROPHE = /^(do|does|did|is|are|was|were|has|have|had|should|could|would)nt$/;
/** A text about words, names and secrets means them as they are written. */
const ABOUT_WORDS =
  /\b(?:called|named|names?|nicknames?|spel(?:ls?|led|ling|t)|written|words?|passwords?|passphrases?|pass ?codes?|codes?|keys?|tokens?|pins?|tags?|labels?|variables?|parameters?|propert(?:y|ies)|fields?|columns?|tables?|class(?:es)?|functions?|methods?|commands?|files?|folders?|branch(?:es)?|strings?|literal(?:ly)?|capitals?|case|type[sd]?|says?|writes?|wrote)\b|[`"]/i;

/** The text itself where it is about words, or has a word in two forms: their difference may be its statement. */
function unifyEnglish(text: string): string {
  if (ABOUT_WORDS.test(text)) return text;
  const written = new Map<string, string>();
  let [start, twoForms] = [true, false];
  const note = (form: string, word: string): string => {
    twoForms ||= (written.get(form) ?? word) !== word || (form.includes(' ') && text.includes(form));
    written.set(form, word);
    return form;
  };
  const unified = text.replace(LEAD_IN, '').replace(/\S+/gu, (piece, offset: number, all: string) => {
    const [, before = '', word = '', after = ''] = /^([("']*)(.*?)([.,;:!?)"']*)$/su.exec(piece) ?? [];
    const isFirst = start;
    start = /[.!?]["')]*$/u.test(piece);
    if (!/^[A-Za-z]+(?:'[a-z]+)?$/.test(word)) {
      note(word, word);
      return piece;
    }
    // A capital after it may make a name of both: The Hague.
    if (offset === 0 && /^[Tt]he [^A-Z]/.test(all)) {
      start = true;
      return '';
    }
    const folded = foldCase(word, isFirst);
    const form = unifyWord(folded);
    return before + (isFirst ? form : note(form, word)) + after;
  });
  return twoForms ? text : unified.trim();
}

/** Lowers the capital of a sentence's first word and of weekdays and months; elsewhere a capital marks a name. */
function foldCase(word: string, isFirst: boolean): string {
  const lower = word.toLowerCase();
  if (/^I(?:'|$)/.test(word)) return word;
  const capitalised = word.length > 1 && word.slice(1) === lower.slice(1);
  return capitalised && (isFirst || WEEKDAY_OR_MONTH.test(lower)) ? lower : word;
}

function unifyWord(word: string): string {
  const irregular = IRREGULAR.get(word);
  if (irregular !== undefined) return irregular;
  const number = NUMBERS.indexOf(word);
  if (number >= 0) return String(number);
  if (IS.test(word)) return word.replace("'s", ' is');
  return word
    .replace(WITHOUT_APOSTROPHE, '$1 not')
    .replace(/(?:n't|'re|'ve|'ll|'m)$/, (ending) => ENDINGS[ending] ?? ending);
}

/** Part of the words that a text and its rewording must share. */
const REWORDED = 0.5;
/** Longest text that can count as a rewording: in a longer one a single other word hardly changes the similarity. */
const REWORDED_LENGTH = 500;
/** Words that reverse or change a statement when they are exchanged, such as on and off, or units of time. */
const DECIDING = new Set(
  `on off enable enabled enables disable disabled disables left right before after min max minimum maximum up down in out
  open opens opened close closes closed shut start starts started begin begins stop stops stopped end ends ended first last
  next previous high low higher lower more less most least many few all some any both true false yes allow allows allowed
  deny denies denied accept accepts accepted reject rejects rejected like likes love loves hate hates dislike dislikes
  increase increases decrease decreases add adds remove removes create creates delete deletes win wins lose loses buy buys
  sell sells push pull import export upload download send sends receive receives read write client server old new good bad
  fast slow early late earlier later above below over under with from to by morning afternoon evening night today tomorrow
  yesterday daily weekly monthly yearly second seconds minute minutes hour hours day days week weeks month months year years
  can could may might must should will would is was were are has had if only always often sometimes rarely`.split(
    /\s+/u,
  ),
);

/**
 * True when two English texts that a model finds alike show no sign of a different meaning: they have the same
 * numbers, names, negations, operators and deciding words, and their shared words are in the same order. This is
 * enough to report a memory, but not to drop or replace one.
 */
export function mayReword(a: string, b: string): boolean {
  if (statementKey(a) === statementKey(b)) return true;
  if (Math.max(a.length, b.length) > REWORDED_LENGTH) return false;
  if (differenceOf(statementKey(a), statementKey(b)) === 'form') return false;
  if (![a, b].every((text) => isInEnglish(text) && !ABOUT_WORDS.test(text))) return false;
  if (sharedPart(a, b) < REWORDED) return false;
  const [first, second] = [factsOf(a), factsOf(b)];
  if (first.length !== second.length || !sameOrder(first, second)) return false;
  const [termsOfA, termsOfB] = [terms(a), terms(b)];
  const [inA, inB] = [new Set(termsOfA), new Set(termsOfB)];
  const shared = termsOfA.filter((term) => inB.has(term));
  const sharedInB = termsOfB.filter((term) => inA.has(term));
  return shared.length === sharedInB.length && sameOrder(shared, sharedInB);
}

/** The pieces of a text that a rewording keeps: code, paths, numbers, names, negations and deciding words. */
function factsOf(text: string): string[] {
  return statementKey(text)
    .split(/\s+/u)
    .map((piece) => piece.replace(/^[("']+|[.,;:)"']+$/gu, ''))
    .filter(
      (piece) =>
        !/^[\p{L}\p{M}']{2,}$/u.test(piece) ||
        piece !== piece.toLowerCase() ||
        DECIDING.has(piece) ||
        NEGATION.test(piece) ||
        WEEKDAY_OR_MONTH.test(piece),
    );
}

/** Dice coefficient of the words of two texts, 0 to 1. */
function sharedPart(a: string, b: string): number {
  const [first, second] = [counted(terms(a)), counted(terms(b))];
  const total = sizeOf(first) + sizeOf(second);
  let shared = 0;
  for (const [term, count] of first) shared += Math.min(count, second.get(term) ?? 0);
  return total === 0 ? 0 : (2 * shared) / total;
}

/** The stems of the words; for scripts without spaces, pairs of adjacent letters. */
function terms(text: string): string[] {
  const all = [...text.toLowerCase().matchAll(/[\p{L}\p{M}\p{N}]+/gu)].flatMap(([word]) => {
    const letters = word.match(UNSPACED);
    if (letters === null) return /^[a-z]+$/.test(word) && !isStopWord(word) ? stemmer(word) : word;
    return letters.length === 1
      ? letters
      : letters.slice(1).map((letter, i) => `${letters[i] ?? ''}${letter}`);
  });
  const telling = all.filter((word) => !isStopWord(word));
  return telling.length > 0 ? telling : all;
}

const NEGATION =
  /^(?:not|no|never|none|nobody|nothing|nowhere|neither|nor|without|cannot|hardly|longer|except|unless|instead|[a-z]+n't)$/;

/** Of two texts by their keys. */
function differenceOf(a: string, b: string): Difference {
  const [piecesOfA, piecesOfB] = [pieces(a), pieces(b)];
  const [lowerA, lowerB] = [lowered(piecesOfA), lowered(piecesOfB)];
  const [first, second] = [counted(lowerA), counted(lowerB)];
  const unshared = [...new Set([...first.keys(), ...second.keys()])].filter(
    (piece) => first.get(piece) !== second.get(piece),
  );
  if (unshared.some((piece) => /\p{N}/u.test(piece))) return 'numbers';
  if (unshared.some((piece) => NEGATION.test(piece))) return 'negation';
  if (unshared.some((piece) => /^[\p{L}\p{M}]/u.test(piece))) return 'words';
  if (unshared.length > 0) return 'symbols';
  if (!sameOrder(lowerA, lowerB)) return 'order';
  return sameOrder(piecesOfA, piecesOfB) ? 'form' : 'words';
}

function pieces(key: string): string[] {
  return key.match(/[\p{L}\p{M}\p{N}_]+(?:'[\p{L}\p{M}]+)*|\S/gu) ?? [];
}

function lowered(list: readonly string[]): string[] {
  return list.map((piece) => piece.toLowerCase());
}

function sameOrder(a: readonly string[], b: readonly string[]): boolean {
  return a.every((piece, index) => piece === b[index]);
}

function counted(list: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of list) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}

function sizeOf(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}
