/** A piece of a text as UTF-16 offsets: `text.slice(start, end)`. */
export interface Chunk {
  readonly start: number;
  readonly end: number;
}

export interface ChunkingOptions {
  /** Number of tokens of a piece. The sum over the parts of a text must be close to the number for the whole text. */
  readonly countTokens: (text: string) => number;
  /** Maximum size of a chunk, for a text that is split. @default 200 */
  readonly maxTokens?: number;
  /** Maximum number of tokens that a chunk repeats from the end of the previous one. @default 40 */
  readonly overlapTokens?: number;
  /** A text of at most this many tokens is not split. @default 256 */
  readonly wholeTokens?: number;
}

export const MAX_CHUNK_TOKENS = 200;
export const OVERLAP_TOKENS = 40;
export const WHOLE_TEXT_TOKENS = 256;

/** Maximum characters of a piece. It keeps the counting linear for texts without sentences. */
const MAX_PIECE_LENGTH = 600;

/**
 * Splits a text into overlapping chunks at the ends of sentences. The chunks cover the whole text, and only an empty
 * text has an empty chunk. A sentence that is longer than a chunk is split between words, or between characters where
 * it has no white space. Takes linear time.
 */
export function chunkText(text: string, options: ChunkingOptions): Chunk[] {
  const { countTokens, maxTokens = MAX_CHUNK_TOKENS, overlapTokens = OVERLAP_TOKENS } = options;
  const wholeTokens = options.wholeTokens ?? WHOLE_TEXT_TOKENS;
  // Most texts are short, so the whole text is counted before it is split.
  if (text.length <= MAX_PIECE_LENGTH * 8 && countTokens(text) <= wholeTokens)
    return [{ start: 0, end: text.length }];
  const pieces = [...piecesOf(text)].flatMap((piece) => fit(text, piece, { countTokens, maxTokens }));
  return pack(pieces, { maxTokens, overlapTokens });
}

interface CountedPiece extends Chunk {
  readonly tokens: number;
}

function pack(
  pieces: readonly CountedPiece[],
  limits: { maxTokens: number; overlapTokens: number },
): Chunk[] {
  const chunks: Chunk[] = [];
  let first = 0;
  let tokens = 0;
  for (const [index, piece] of pieces.entries()) {
    if (tokens > 0 && tokens + piece.tokens > limits.maxTokens) {
      chunks.push(span(pieces, first, index));
      const room = limits.maxTokens - piece.tokens;
      ({ first, tokens } = overlapBefore(pieces, index, Math.min(room, limits.overlapTokens)));
    }
    tokens += piece.tokens;
  }
  chunks.push(span(pieces, first, pieces.length));
  return chunks;
}

/** @returns index of the first of the pieces before `index` that fit into `room` tokens, and their tokens */
function overlapBefore(
  pieces: readonly CountedPiece[],
  index: number,
  room: number,
): { first: number; tokens: number } {
  let first = index;
  let tokens = 0;
  for (
    let piece = pieces[first - 1];
    piece !== undefined && tokens + piece.tokens <= room;
    piece = pieces[first - 1]
  ) {
    first -= 1;
    tokens += piece.tokens;
  }
  return { first, tokens };
}

function span(pieces: readonly CountedPiece[], first: number, end: number): Chunk {
  return { start: pieces[first]?.start ?? 0, end: pieces[end - 1]?.end ?? 0 };
}

/** Yields sentences and lines. A long one comes in parts of at most `MAX_PIECE_LENGTH` characters. */
function* piecesOf(text: string): Generator<Chunk> {
  // The look-behind makes a run of dots match only from its beginning. Without it, a long run takes quadratic time.
  const border = /(?<![.!?…])[.!?…]+["'”’)\]]*\s+|[。！？｡]+|\n+/gu;
  let start = 0;
  for (const match of text.matchAll(border)) {
    const end = match.index + match[0].length;
    yield* shortPieces(text, { start, end });
    start = end;
  }
  if (start < text.length) yield* shortPieces(text, { start, end: text.length });
}

function* shortPieces(text: string, { start, end }: Chunk): Generator<Chunk> {
  let from = start;
  while (end - from > MAX_PIECE_LENGTH) {
    const to = splitPoint(text, from + MAX_PIECE_LENGTH / 2, from + MAX_PIECE_LENGTH);
    yield { start: from, end: to };
    from = to;
  }
  yield { start: from, end };
}

/** Halves a piece until each part fits. */
function fit(
  text: string,
  piece: Chunk,
  limits: { countTokens: (text: string) => number; maxTokens: number },
): CountedPiece[] {
  const tokens = limits.countTokens(text.slice(piece.start, piece.end));
  if (tokens <= limits.maxTokens || piece.end - piece.start <= 2) return [{ ...piece, tokens }];
  const middle = splitPoint(text, piece.start + 1, Math.ceil((piece.start + piece.end) / 2));
  return [
    ...fit(text, { start: piece.start, end: middle }, limits),
    ...fit(text, { start: middle, end: piece.end }, limits),
  ];
}

/** The offset behind the last white space between two offsets; else the later offset, moved out of a surrogate pair. */
function splitPoint(text: string, earliest: number, latest: number): number {
  for (let point = latest; point > earliest; point -= 1) {
    if (/\s/.test(text.charAt(point - 1))) return point;
  }
  const code = text.charCodeAt(latest);
  const insidePair = code >= 0xdc00 && code <= 0xdfff;
  return insidePair ? latest + 1 : latest;
}

/**
 * Estimates the number of WordPiece or BPE tokens, rather too high than too low. A word counts as one token for every
 * four letters or part of them, every other visible character as one token.
 */
export function estimateTokens(text: string): number {
  let tokens = 0;
  for (const [word] of text.matchAll(/[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{N}]+|\S/gu)) {
    tokens += Math.ceil(word.length / 4);
  }
  return tokens;
}
