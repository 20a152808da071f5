import { printable } from '../util/text.ts';

/** Everything that some reader takes for the end of a line. */
const LINE_ENDS = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/;

/** Recalled text as a quotation: every line is marked, so no text can end its own quotation. */
export function quote(text: string): string {
  return text
    .split(LINE_ENDS)
    .map((line) => `> ${printable(line)}`)
    .join('\n');
}

/** A recalled name on a line of ours: as it is when it is plain, else as a JSON text, which cannot end early. */
export function quoteInline(name: string): string {
  return /^[\p{L}\p{N}_./:@+-]+$/u.test(name)
    ? name
    : JSON.stringify(printable(name.split(LINE_ENDS).join(' ')));
}
