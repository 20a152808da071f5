import { stemmer } from 'stemmer';
import { UNSPACED } from './languages.ts';
import { folded, type IndexedWord, indexedWords, queryTerms } from './words.ts';

export interface Place {
  readonly start: number;
  readonly end: number;
}

export interface MatchedWords {
  /** Terms of the query that occur in the text or its tags. */
  readonly words: readonly string[];
  /** Places of the matches in the text: first the one that begins the densest stretch, then the others in order. */
  readonly places: readonly Place[];
}

interface Occurrence extends Place {
  readonly term: string;
}

/**
 * Finds the terms of a query in memories, as full-text search does. It explains hits and does not rank them. The query is
 * taken apart once for all memories, and the stems of their words are remembered.
 */
export function wordMatcher(query: string): (text: string, tags: readonly string[]) => MatchedWords {
  const stem = cachedStemmer();
  const terms = queryTerms(query).map(({ words, prefix, shown }): StemmedTerm => {
    const wanted = words.map((word) => stem(folded(word)));
    return { wanted, prefix, shown, term: wanted.join(' ') };
  });
  const look: Look = { stem, mayMatch: firstLetters(terms), isWanted: wantedStems(terms) };
  return (text, tags) => {
    if (terms.length === 0) return { words: [], places: [] };
    return matchTerms(terms, look, { text, tags });
  };
}

interface StemmedTerm {
  /** Stems of its words. */
  readonly wanted: readonly string[];
  readonly prefix: boolean;
  readonly shown: string;
  readonly term: string;
}

/** How the words of a memory are read. */
interface Look {
  readonly stem: (word: string) => string;
  /** False for words that match no word of the query, whatever their stem is. */
  readonly mayMatch: (word: string) => boolean;
  /** False for stems that match no word of the query. */
  readonly isWanted: (stem: string) => boolean;
}

/** A stem begins like its word, so most words of a memory need none. */
function firstLetters(terms: readonly StemmedTerm[]): Look['mayMatch'] {
  const firsts = new Set(terms.flatMap(({ wanted }) => wanted.map((word) => word.charCodeAt(0))));
  // A word that folds to nothing has no first letter.
  return firsts.has(NaN) ? () => true : (word) => firsts.has(word.charCodeAt(0));
}

function wantedStems(terms: readonly StemmedTerm[]): Look['isWanted'] {
  const stems = new Set(terms.flatMap(({ wanted }) => wanted));
  const beginnings = terms.flatMap(({ wanted, prefix }) => (prefix ? wanted.slice(-1) : []));
  return (stem) => stems.has(stem) || beginnings.some((beginning) => stem.startsWith(beginning));
}

function matchTerms(
  terms: readonly StemmedTerm[],
  look: Look,
  { text, tags }: { readonly text: string; readonly tags: readonly string[] },
): MatchedWords {
  const inText = new WordPositions(indexedWords(text), look);
  const inTags = new WordPositions(indexedWords(tags.join(' ')), look);
  const found = new Map<string, string>();
  const occurrences: Occurrence[] = [];
  for (const { wanted, prefix, shown, term } of terms) {
    const places = inText.find(wanted, prefix);
    if (places.length === 0 && inTags.find(wanted, prefix).length === 0) continue;
    if (!found.has(term)) found.set(term, shown);
    for (const { start, end } of places) occurrences.push({ start, end, term });
  }
  return { words: withoutParts([...found.values()]), places: densestFirst(occurrences) };
}

/** Leaves out words that are part of a longer match, such as `foo` beside `foo.bar`, or a character beside a pair. */
function withoutParts(found: readonly string[]): string[] {
  const joined = found
    .filter((shown) => /[^\p{L}\p{N}\p{M}]/u.test(shown) || shown.search(UNSPACED) !== -1)
    .map((shown) => shown.toLowerCase());
  const isSaid = (shown: string): boolean =>
    joined.some((longer) => longer.length > shown.length && longer.includes(shown.toLowerCase()));
  return [...new Set(found.filter((shown) => !isSaid(shown)))];
}

/** Finds words of a text by their stems. */
class WordPositions {
  /** The words of the query, by their number in the text. */
  readonly #words = new Map<number, Place & { readonly stem: string }>();
  readonly #byStem = new Map<string, number[]>();

  constructor(words: readonly IndexedWord[], { stem: stemOf, mayMatch, isWanted }: Look) {
    for (const [index, { word, start, end }] of words.entries()) {
      if (!mayMatch(word)) continue;
      const stem = stemOf(word);
      if (isWanted(stem)) this.#add(index, { start, end, stem });
    }
  }

  #add(index: number, word: Place & { readonly stem: string }): void {
    this.#words.set(index, word);
    const indexes = this.#byStem.get(word.stem);
    if (indexes === undefined) this.#byStem.set(word.stem, [index]);
    else indexes.push(index);
  }

  /** Places where the words follow each other; with `prefix` the last word may be the beginning of a longer one. */
  find(words: readonly string[], prefix: boolean): Place[] {
    const [first = '', ...others] = words;
    const starts =
      prefix && others.length === 0
        ? [...this.#byStem].flatMap(([stem, indexes]) => (stem.startsWith(first) ? indexes : []))
        : (this.#byStem.get(first) ?? []);
    return starts.flatMap((index) => {
      const goesOn = others.every((word, more) => {
        const stem = this.#words.get(index + 1 + more)?.stem ?? '';
        return prefix && more === others.length - 1 ? stem.startsWith(word) : stem === word;
      });
      const start = this.#words.get(index)?.start;
      const end = this.#words.get(index + others.length)?.end;
      return goesOn && start !== undefined && end !== undefined ? [{ start, end }] : [];
    });
  }
}

/** Characters. */
const WINDOW = 240;

/** Puts the occurrence first that begins the window with the most distinct terms; the others follow in order. */
function densestFirst(found: readonly Occurrence[]): Place[] {
  const occurrences = found.toSorted((a, b) => a.start - b.start);
  let best = 0;
  let bestCount = 0;
  const inWindow = new Map<string, number>();
  let last = 0;
  for (const [index, first] of occurrences.entries()) {
    for (
      let next = occurrences[last];
      next !== undefined && next.start <= first.start + WINDOW;
      next = occurrences[last]
    ) {
      inWindow.set(next.term, (inWindow.get(next.term) ?? 0) + 1);
      last += 1;
    }
    if (inWindow.size > bestCount) {
      best = index;
      bestCount = inWindow.size;
    }
    const left = (inWindow.get(first.term) ?? 0) - 1;
    if (left <= 0) inWindow.delete(first.term);
    else inWindow.set(first.term, left);
  }
  const densest = occurrences[best];
  return densest === undefined ? [] : [densest, ...occurrences.filter((_, index) => index !== best)];
}

/** Remembers the stem of each word, because texts repeat their words. */
function cachedStemmer(): (word: string) => string {
  const stems = new Map<string, string>();
  return (word) => {
    if (!/^[a-z]{3,}$/.test(word)) return word;
    const known = stems.get(word);
    if (known !== undefined) return known;
    const stem = stemmer(word);
    stems.set(word, stem);
    return stem;
  };
}
