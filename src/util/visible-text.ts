/**
 * Characters that do not show, or that move, reorder or end what is shown: controls except tab and line feed, separators
 * of lines, marks of direction, joiners, tags, fillers, selectors, and halves of characters.
 */
const HIDDEN =
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u2028\u2029\uFFF9-\uFFFB\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * A text of several lines for people. Invisible characters become an escape, `\u200b` or `\u{e0041}`, so that no text
 * hides anything, moves the cursor or changes the order of the words. Texts that are plain come back as they are.
 */
export function visibleText(text: string): string {
  return replaceHidden(text.replaceAll('\r\n', '\n'), (character) =>
    character.length === 1 ? escapeUnits(character) : `\\u{${codeOf(character).toString(16)}}`,
  );
}

/** A name or a message for people, on one line whatever is in it: its line feeds and tabs become escapes too. */
export function visibleLine(text: string): string {
  return visibleText(text.replaceAll('\r\n', '\n')).replaceAll('\n', '\\n').replaceAll('\t', '\\t');
}

/** JSON of the exact value, in which a reader sees hidden characters: a program reads the same with and without. */
export function visibleJson(value: unknown, indentation?: number): string {
  return replaceHidden(JSON.stringify(value, undefined, indentation), escapeUnits);
}

/**
 * A text for a model, which would read characters that its user cannot see: hidden characters are left out, and those that end a
 * line, except the line feed, become a space.
 */
export function withoutHidden(text: string): string {
  return replaceHidden(text, (character, after) => {
    if (character === '\r' && after === '\n') return character;
    return LINE_END.test(character) ? ' ' : '';
  });
}

/** The same on one line. */
export function withoutHiddenLine(text: string): string {
  return withoutHidden(text.replaceAll('\r\n', ' ')).replaceAll('\n', ' ');
}

const LINE_END = /[\v\f\r\u0085\u2028\u2029]/;

function escapeUnits(character: string): string {
  return Array.from(
    { length: character.length },
    (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
  ).join('');
}

function codeOf(character: string): number {
  return character.codePointAt(0) ?? 0;
}

function replaceHidden(text: string, replacement: (character: string, after: string) => string): string {
  return text.replace(HIDDEN, (character, index: number) => {
    const end = index + character.length;
    const before = Array.from(text.slice(Math.max(0, index - 2), index)).at(-1) ?? '';
    const [after = ''] = Array.from(text.slice(end, end + 2));
    if (isMeant(character, before, after) || isInFlag(text, index)) return character;
    return replacement(character, after);
  });
}

/** Scripts in which a joiner changes how the letters beside it are drawn, as their spelling demands. */
const JOINED_LETTER =
  /[\p{scx=Arab}\p{scx=Syrc}\p{scx=Mand}\p{scx=Nkoo}\p{scx=Adlm}\p{scx=Rohg}\p{scx=Mong}\p{scx=Deva}\p{scx=Beng}\p{scx=Guru}\p{scx=Gujr}\p{scx=Orya}\p{scx=Taml}\p{scx=Telu}\p{scx=Knda}\p{scx=Mlym}\p{scx=Sinh}\p{scx=Khmr}\p{scx=Mymr}\p{scx=Tibt}]/u;
/** Scripts without spaces, in which an invisible one may stand between two words. */
const UNSPACED = /[\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}]/u;
const JOINED_EMOJI = /[\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F]/u;
const EMOJI = /\p{Extended_Pictographic}/u;

/** True where the spelling of a script, or an emoji, needs the character: it then changes the visible text. */
function isMeant(character: string, before: string, after: string): boolean {
  switch (character) {
    case '\u200B':
      return UNSPACED.test(before) && UNSPACED.test(after);
    case '\u200C':
      return isLetter(before) && isLetter(after);
    case '\u200D':
      if (JOINED_EMOJI.test(before) && EMOJI.test(after)) return true;
      return isLetter(before) && after !== '' && after.search(HIDDEN) === -1;
    case '\uFE0E':
    case '\uFE0F':
      return EMOJI.test(before) || (/[0-9#*]/.test(before) && after === '\u20E3');
    default:
      return SELECTORS.some(
        ([selectors, base]) => selectors.test(character) && base.test(before) && before.search(HIDDEN) === -1,
      );
  }
}

function isLetter(character: string): boolean {
  return JOINED_LETTER.test(character) && character.search(HIDDEN) === -1;
}

/** Selectors of a variant, each with the sign that it may follow: one only, for rows of them are a hiding place. */
const SELECTORS: readonly (readonly [selectors: RegExp, base: RegExp])[] = [
  [/[\uFE00-\uFE02]/, /[\p{Script=Han}\p{Sm}]/u],
  [/[\u180B-\u180D\u180F]/, /\p{Script=Mongolian}/u],
  [/[\u{E0100}-\u{E010F}]/u, /\p{Script=Han}/u],
];

const BLACK_FLAG = '\u{1F3F4}';
/** The flags of England, Scotland and Wales, the only ones that are written with tags. */
const FLAGS = ['gbeng', 'gbsct', 'gbwls'].map((region) => {
  const tags = Array.from(region, (letter) => String.fromCodePoint(0xe0000 + codeOf(letter)));
  return `${BLACK_FLAG}${tags.join('')}\u{E007F}`;
});

function isInFlag(text: string, index: number): boolean {
  const start = text.lastIndexOf(BLACK_FLAG, index);
  return start !== -1 && FLAGS.some((flag) => text.startsWith(flag, start) && index < start + flag.length);
}
