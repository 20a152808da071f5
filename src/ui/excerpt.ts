import { borderAfter, borderBefore } from './text-borders.ts';
import type { TextParts } from './text-parts.ts';

/** How much is shown around what differs, in code units. */
const CONTEXT = 80;
const MIDDLE_BEGINNING = 300;
const MIDDLE_END = 150;

/** Shorter by less is not worth a step to the whole. */
const WORTH_IT = 1.5;

/** What differs with a little around it. */
export function excerptOf({ start, middle, end }: TextParts): TextParts {
  const isLong = middle.length > (MIDDLE_BEGINNING + MIDDLE_END) * WORTH_IT;
  return {
    start: endOf(start, CONTEXT),
    middle: isLong ? beginningOf(middle, MIDDLE_BEGINNING) + endOf(middle, MIDDLE_END).slice(1) : middle,
    end: beginningOf(end, CONTEXT),
  };
}

export function beginningOf(text: string, length: number): string {
  if (text.length <= length * WORTH_IT) return text;
  return `${text.slice(0, borderBefore(text, length))}…`;
}

function endOf(text: string, length: number): string {
  if (text.length <= length * WORTH_IT) return text;
  return `…${text.slice(borderAfter(text, text.length - length))}`;
}
