const words = new Intl.Segmenter('und', { granularity: 'word' });
const characters = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** A longer run without a border, such as a key, is cut within: who looks for a difference must not get all of it. */
const LONGEST_WORD = 60;

/**
 * The last border of words at or before a position; within a very long word, of characters as readers see them.
 * @param at at most the length of the text
 */
export function borderBefore(text: string, at: number): number {
  const word = words.segment(text).containing(at);
  // Behind the last word.
  if (word === undefined) return at;
  if (at - word.index <= LONGEST_WORD) return word.index;
  return characters.segment(text).containing(at)?.index ?? at;
}

/** The first border at or after a position, in the same sense. */
export function borderAfter(text: string, at: number): number {
  const word = words.segment(text).containing(at);
  if (word === undefined || word.index === at) return at;
  const end = word.index + word.segment.length;
  if (end - at <= LONGEST_WORD) return end;
  const character = characters.segment(text).containing(at);
  if (character === undefined || character.index === at) return at;
  return character.index + character.segment.length;
}
