/**
 * A form of writing that a tokenizer of words would drop or split: `C++`, `.NET`, `--flag`, emoji, numbers with
 * separators, `camelCase`. Its keys consist of letters and digits only, and represent the form in the full-text index
 * and in queries.
 */
export interface WordForm {
  /** A match of one key is enough; a key with spaces is a sequence of words. */
  readonly keys: readonly string[];
  /** Keys of the parts of the form. Only the index has them, so that a query for a part finds the whole form. */
  readonly contained?: readonly string[];
  readonly start: number;
  readonly end: number;
  /** A query with this form does not look for words in it of at most this length: `C++` does not look for `C`. */
  readonly covers: number;
}

const EMOJI_PART = '\\p{Extended_Pictographic}(?:\\uFE0F|\\p{Emoji_Modifier})?';
const EMOJI = new RegExp(
  `\\p{RI}\\p{RI}|[0-9#*]\\uFE0F?\\u20E3|${EMOJI_PART}[\\u{E0020}-\\u{E007F}]*(?:\\u200D${EMOJI_PART})*`,
  'gu',
);
const SKIN_TONE = /\p{Emoji_Modifier}/gu;
const GENDER = /\u200D[\u2640\u2642]/gu;

const WITH_SUFFIX = /(?<![\p{L}\p{N}\p{M}_])(\p{L}[\p{L}\p{N}]{0,30})([+#]{1,2}|\*(?!\*))(?![\p{L}\p{M}*])/gu;
const WITH_PREFIX =
  /(?<![\p{L}\p{N}\p{M}.#$@_~&/\\-])([.#@]|\$\{?|--?)([\p{L}\p{N}][\p{L}\p{N}\p{M}_-]{0,60})\}?/gu;
const NUMBER_WITH_SEPARATORS =
  /(?<![\p{L}\p{N}])\d+(?:[ ()/.,'’\u00A0\u202F\u2010-\u2015-]{1,3}\d+)+(?:-?[xX])?(?![\p{L}\p{N}])/gu;
/** Numbers of bank accounts in groups of four. */
const ACCOUNT_NUMBER =
  /(?<![\p{L}\p{N}])[A-Z]{2}\d{2}(?: [A-Z\d]{4}){2,7}(?: [A-Z\d]{1,3})?(?![\p{L}\p{N}])/gu;
/** Addresses of devices and fingerprints of keys: pairs or fours of hexadecimal digits. */
const HEX_IN_GROUPS =
  /(?<![\p{L}\p{N}])[\da-f]{2}(?:(?::[\da-f]{2}){5,31}|(?:-[\da-f]{2}){5,31}|[\da-f]{2}(?:\.[\da-f]{4}){2})(?![:-]?[\p{L}\p{N}])/giu;
const SPACES_BETWEEN_NUMBERS = /[ ,\u00A0\u202F]+/u;
const CAMEL_CASE =
  /(?<![\p{L}\p{N}\p{M}])(?=[\p{L}\p{N}]{4,60}(?![\p{L}\p{N}]))[\p{L}\p{N}]*(?:[\p{Ll}\p{N}]\p{Lu}|\p{Lu}{2}\p{Ll}{2})[\p{L}\p{N}]*/gu;
const VERSION = /(?<![\p{L}\p{N}\p{M}])[vV](\d+(?:\.\d+)+)/gu;
const SIGN = /(?!\p{Extended_Pictographic}|\p{RI})[^\p{ASCII}\p{L}\p{N}\p{M}\p{P}\p{Z}\p{C}\p{Sk}]/gu;
/** Excludes marks that end sentences, draw lines or make text bold. */
const OPERATOR = /(?<!\S)(?![-.*_#~!?,;`'"()[\]{}]+(?!\S))[!-/:-@[-`{-~]{2,4}(?!\S)/gu;

/** Numbers with fewer digits are found as words; longer ones are not typed into queries. */
const MIN_DIGITS = 7;
const MAX_DIGITS = 25;

/** Which forms a text may have: one quick look spares most texts the search for most forms. */
class Signs {
  beyondAscii: boolean;
  suffix: boolean;
  prefix: boolean;
  operator: boolean;
  number: boolean;
  version: boolean;
  account: boolean;
  hexGroup: boolean;
  camelCase: boolean;

  constructor(all: boolean) {
    this.beyondAscii = this.suffix = this.prefix = this.operator = this.number = all;
    this.version = this.account = this.hexGroup = this.camelCase = all;
  }
}

const ANYTHING = new Signs(true);

function signsOf(text: string): Readonly<Signs> {
  const signs = new Signs(false);
  let [last, before]: [AsciiKind, AsciiKind] = [NEITHER, NEITHER];
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code >= 0x80) return ANYTHING;
    const kind = asciiKind(code);
    if (kind === SIGN_KIND) noteSign(signs, text, index);
    else if (kind === DIGIT) {
      if (before < SMALL) signs.number = true;
      else if (before === CAPITAL) signs.account = true;
      if (before !== DIGIT && 'vV'.includes(text.charAt(index - 1))) signs.version = true;
    } else if (kind === CAPITAL) {
      if (before === SMALL || before === DIGIT) signs.camelCase = true;
    } else if (kind === SMALL && before === CAPITAL && last === CAPITAL) signs.camelCase = true;
    [last, before] = [before, kind];
  }
  return signs;
}

function noteSign(signs: Signs, text: string, index: number): void {
  const sign = text.charAt(index);
  const before = text.charAt(index - 1);
  if ('+#*'.includes(sign)) signs.suffix = true;
  if ('.#@$-'.includes(sign) && !/[\w.#$@~&/\\-]/.test(before)) signs.prefix = true;
  if (isSign(before) && !/\S/.test(text.charAt(index - 2))) signs.operator = true;
  if (':-.'.includes(sign) && /^[\da-f]{2}$/i.test(text.slice(Math.max(0, index - 2), index))) {
    signs.hexGroup = true;
  }
}

function isSign(character: string): boolean {
  return character !== '' && asciiKind(character.charCodeAt(0)) === SIGN_KIND;
}

const [NEITHER, SIGN_KIND, SMALL, CAPITAL, DIGIT] = [0, 1, 2, 3, 4] as const;
type AsciiKind = 0 | 1 | 2 | 3 | 4;

function asciiKind(code: number): AsciiKind {
  if (code >= 0x61 && code <= 0x7a) return SMALL;
  if (code <= 0x20 || code === 0x7f) return NEITHER;
  if (code >= 0x30 && code <= 0x39) return DIGIT;
  return code >= 0x41 && code <= 0x5a ? CAPITAL : SIGN_KIND;
}

/** Yields the special forms of a text in normal form KC, in no particular order. */
export function* wordForms(text: string): Generator<WordForm> {
  const signs = signsOf(text);
  if (signs.beyondAscii) for (const match of text.matchAll(EMOJI)) yield formOf(match, emojiKeys(match[0]));
  if (signs.suffix) yield* suffixed(text);
  if (signs.prefix) yield* prefixed(text);
  if (signs.beyondAscii)
    for (const match of text.matchAll(SIGN)) yield formOf(match, { keys: [encoded(match[0])] });
  if (signs.operator)
    for (const match of text.matchAll(OPERATOR)) yield formOf(match, { keys: [encoded(match[0])] });
  if (signs.number) yield* numbers(text);
  if (signs.version) yield* versions(text);
  if (signs.account || signs.hexGroup) yield* codes(text);
  if (signs.camelCase) yield* joinedWords(text);
}

function* suffixed(text: string): Generator<WordForm> {
  for (const match of text.matchAll(WITH_SUFFIX)) {
    const [whole, word = '', suffix] = match;
    if (suffix !== '*' || word.length === 1) yield formOf(match, { keys: [encoded(whole)] });
  }
}

function* prefixed(text: string): Generator<WordForm> {
  for (const match of text.matchAll(WITH_PREFIX)) {
    const [, prefix = '', name = ''] = match;
    yield formOf(match, { keys: [encoded(`${prefix.charAt(0) === '$' ? '$' : prefix}${name}`)] });
  }
}

function* numbers(text: string): Generator<WordForm> {
  for (const match of text.matchAll(NUMBER_WITH_SEPARATORS)) {
    const [whole] = match;
    const variants = [whole, whole.replace('(0)', ''), ...whole.split(SPACES_BETWEEN_NUMBERS)];
    const keys = variants
      .map((variant) => variant.replace(/[^\dxX]/g, '').toLowerCase())
      .filter((digits) => digits.length >= MIN_DIGITS && digits.length <= MAX_DIGITS);
    if (keys.length > 0)
      yield { ...formOf(match, { keys: [...new Set(keys)] }), covers: /[\s.]/u.test(whole) ? 0 : 3 };
  }
}

function* versions(text: string): Generator<WordForm> {
  for (const match of text.matchAll(VERSION)) {
    const keys = [(match[1] ?? '').replaceAll('.', ' ')];
    yield { ...formOf(match, { keys }), covers: 0 };
  }
}

function* codes(text: string): Generator<WordForm> {
  for (const match of [...text.matchAll(ACCOUNT_NUMBER), ...text.matchAll(HEX_IN_GROUPS)]) {
    const groups = match[0].split(/[ :.-]/);
    // Names of genes stand in a row too, but none is only digits.
    const isName = match[0].includes(' ') && groups.filter((group) => /^\d{4}$/.test(group)).length < 2;
    if (!isName) yield { ...formOf(match, { keys: [groups.join('').toLowerCase()] }), covers: 0 };
  }
}

function* joinedWords(text: string): Generator<WordForm> {
  for (const match of text.matchAll(CAMEL_CASE)) {
    const parts = match[0]
      .replace(/([\p{Ll}\p{N}])(\p{Lu})/gu, '$1 $2')
      .replace(/(\p{Lu})(\p{Lu}\p{Ll}{2})/gu, '$1 $2')
      .toLowerCase();
    // Names such as iPhone stay one word.
    const isIdentifier = parts.split(' ').filter((part) => part.length > 1).length > 1;
    if (isIdentifier) yield { ...formOf(match, { keys: [parts] }), covers: 0 };
  }
}

function formOf(
  match: RegExpExecArray,
  { keys, contained = [] }: { readonly keys: readonly string[]; readonly contained?: readonly string[] },
): WordForm {
  return { keys, contained, start: match.index, end: match.index + match[0].length, covers: 1 };
}

/** A query finds an emoji with or without skin tone and gender, and by its parts. */
function emojiKeys(emoji: string): {
  readonly keys: readonly string[];
  readonly contained: readonly string[];
} {
  const plain = emoji.replaceAll('\uFE0F', '');
  const toneless = plain.replace(SKIN_TONE, '') || plain;
  const genderless = toneless.replace(GENDER, '') || toneless;
  const keys = new Set([plain, toneless, genderless].map(pictureKey));
  const contained = new Set([...toneless.split('\u200D')].map(pictureKey));
  return { keys: [...keys], contained: [...contained].filter((key) => !keys.has(key)) };
}

/** First character of the private use area, whose characters the tokenizer treats as letters. */
const PRIVATE_USE = 0xe0_00;

function pictureKey(emoji: string): string {
  const codes = Array.from(emoji, (character) => (character.codePointAt(0) ?? 0).toString(16));
  return `${String.fromCharCode(PRIVATE_USE)}${codes.join(String.fromCharCode(PRIVATE_USE + 1))}`;
}

function encoded(form: string): string {
  return form
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}]/gu, (sign) =>
      sign < '\u0080' ? String.fromCharCode(PRIVATE_USE + sign.charCodeAt(0)) : pictureKey(sign),
    );
}
