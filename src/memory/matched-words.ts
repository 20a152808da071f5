import { stemmer } from 'stemmer';
import { UNSPACED } from './languages.ts';
import { isStopWord } from './stop-words.ts';

export interface MatchedWords {
  /** Words of the query, as written there, that occur in the text. */
  readonly words: readonly string[];
  /** Offset of the place in the text that begins the densest stretch of matches; null without a match. */
  readonly focus: number | null;
}

/** Where the words of a query occur in a text, by the stems that full-text search uses. Explains hits; ranks nothing. */
export function matchedWords(query: string, text: string): MatchedWords {
  const wanted = new Map<string, string>();
  for (const { word } of words(query)) {
    if (!isStopWord(word)) wanted.set(stem(word), word);
  }
  const found = new Set<string>();
  const positions: { stem: string; start: number }[] = [];
  for (const { word, start } of words(text)) {
    const wordStem = stem(word);
    if (!wanted.has(wordStem)) continue;
    found.add(wordStem);
    positions.push({ stem: wordStem, start });
  }
  return {
    words: [...wanted].filter(([wordStem]) => found.has(wordStem)).map(([, word]) => word),
    focus: densest(positions),
  };
}

const WINDOW = 240;

/** Start of the window with the most distinct stems; the earliest of equals. */
function densest(positions: readonly { stem: string; start: number }[]): number | null {
  let best: number | null = null;
  let bestCount = 0;
  const inWindow = new Map<string, number>();
  let last = 0;
  for (const first of positions) {
    for (
      let next = positions[last];
      next !== undefined && next.start <= first.start + WINDOW;
      next = positions[last]
    ) {
      inWindow.set(next.stem, (inWindow.get(next.stem) ?? 0) + 1);
      last += 1;
    }
    if (inWindow.size > bestCount) {
      best = first.start;
      bestCount = inWindow.size;
    }
    const left = (inWindow.get(first.stem) ?? 0) - 1;
    if (left <= 0) inWindow.delete(first.stem);
    else inWindow.set(first.stem, left);
  }
  return best;
}

function* words(text: string): Generator<{ word: string; start: number }> {
  for (const match of text.matchAll(/[\p{L}\p{N}\p{M}]+/gu)) {
    yield* match[0].search(UNSPACED) >= 0
      ? characters(match[0], match.index)
      : [{ word: fold(match[0]), start: match.index }];
  }
}

/** Scripts without spaces match by pairs of characters, as full-text search indexes them. */
function* characters(run: string, offset: number): Generator<{ word: string; start: number }> {
  const letters = run.match(/\P{M}\p{M}*/gu) ?? [];
  let start = offset;
  for (const [index, letter] of letters.entries()) {
    const next = letters[index + 1];
    if (next !== undefined || letters.length === 1) yield { word: `${letter}${next ?? ''}`, start };
    start += letter.length;
  }
}

function fold(word: string): string {
  return word.toLowerCase().normalize('NFD').replace(/\p{M}/gu, '');
}

function stem(word: string): string {
  return /^[a-z]+$/.test(word) ? stemmer(word) : word;
}
