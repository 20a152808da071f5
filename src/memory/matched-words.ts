import { stemmer } from 'stemmer';
import { UNSPACED } from './languages.ts';
import { folded, type IndexedWord, indexedWords, queryTerms, type QueryTerm } from './words.ts';

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
  const terms = queryTerms(query);
  const stem = cachedStemmer();
  return (text, tags) => {
    if (terms.length === 0) return { words: [], places: [] };
    return matchTerms(terms, stem, { text, tags });
  };
}

function matchTerms(
  terms: readonly QueryTerm[],
  stem: (word: string) => string,
  { text, tags }: { readonly text: string; readonly tags: readonly string[] },
): MatchedWords {
  const inText = new WordPositions(indexedWords(text), stem);
  const inTags = new WordPositions(indexedWords(tags.join(' ')), stem);
  const found = new Map<string, string>();
  const occurrences: Occurrence[] = [];
  for (const { words, prefix, shown } of terms) {
    const wanted = words.map((word) => stem(folded(word)));
    const places = inText.find(wanted, prefix);
    if (places.length === 0 && inTags.find(wanted, prefix).length === 0) continue;
    const term = wanted.join(' ');
    if (!found.has(term)) found.set(term, shown);
    for (const place of places) occurrences.push({ ...place, term });
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
  readonly #words: readonly (Place & { readonly stem: string })[];
  readonly #byStem = new Map<string, number[]>();

  constructor(words: Iterable<IndexedWord>, stem: (word: string) => string) {
    // No spread: every word of every hit comes by here, and copying it takes longer than its stem.
    this.#words = Array.from(words, ({ word, start, end }) => ({ start, end, stem: stem(word) }));
    for (const [index, { stem: key }] of this.#words.entries()) {
      const indexes = this.#byStem.get(key);
      if (indexes === undefined) this.#byStem.set(key, [index]);
      else indexes.push(index);
    }
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
        const stem = this.#words[index + 1 + more]?.stem ?? '';
        return prefix && more === others.length - 1 ? stem.startsWith(word) : stem === word;
      });
      const start = this.#words[index]?.start;
      const end = this.#words[index + others.length]?.end;
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
    const known = stems.get(word);
    if (known !== undefined) return known;
    const stem = /^[a-z]{3,}$/.test(word) ? stemmer(word) : word;
    stems.set(word, stem);
    return stem;
  };
}
