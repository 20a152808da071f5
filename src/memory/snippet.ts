export interface Snippet {
  readonly text: string;
  readonly truncated: boolean;
}

/** Length of an excerpt in characters: five of them stay under 500 tokens. */
export const SNIPPET_LENGTH = 240;

/**
 * An excerpt of at most about `SNIPPET_LENGTH` characters that starts and ends between words; a shorter text
 * is returned whole.
 * @param focus where the interesting part begins, as an offset into the text
 */
export function excerpt(text: string, focus: number): Snippet {
  if (text.length <= SNIPPET_LENGTH) return { text, truncated: false };
  const latestStart = text.length - SNIPPET_LENGTH;
  const start = wordStart(text, Math.max(0, Math.min(focus, latestStart)));
  const end = wordEnd(text, Math.min(text.length, start + SNIPPET_LENGTH));
  return {
    text: `${start > 0 ? '…' : ''}${text.slice(start, end).trim()}${end < text.length ? '…' : ''}`,
    truncated: true,
  };
}

/** How far a border may move to fall between words; text without spaces is cut where it is. */
const MAX_BORDER_SHIFT = 24;

function wordStart(text: string, position: number): number {
  for (let start = position; start > position - MAX_BORDER_SHIFT && start > 0; start -= 1) {
    if (isSpace(text, start - 1)) return start;
  }
  return position === 0 || position <= MAX_BORDER_SHIFT ? 0 : betweenSurrogates(text, position);
}

function wordEnd(text: string, position: number): number {
  for (let end = position; end > position - MAX_BORDER_SHIFT; end -= 1) {
    if (end === text.length || isSpace(text, end)) return end;
  }
  return betweenSurrogates(text, position);
}

function isSpace(text: string, index: number): boolean {
  return /\s/.test(text.charAt(index));
}

/** Moves a border out of the middle of a surrogate pair. */
function betweenSurrogates(text: string, position: number): number {
  const code = text.charCodeAt(position);
  return code >= 0xdc00 && code <= 0xdfff ? position - 1 : position;
}
