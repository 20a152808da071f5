/** A piece of a text as UTF-16 offsets: `text.slice(start, end)`. */
export interface Chunk {
  readonly start: number;
  readonly end: number;
}

export interface ChunkingOptions {
  /** Tokens of a piece; additive enough that the sum over parts is close to the whole. */
  readonly countTokens: (text: string) => number;
  /** Size that a chunk of a longer text aims at. */
  readonly maxTokens?: number;
  /** Tokens that a chunk repeats from the end of the one before. */
  readonly overlapTokens?: number;
  /** A text up to this size stays whole. */
  readonly wholeTokens?: number;
}

export const MAX_CHUNK_TOKENS = 200;
export const OVERLAP_TOKENS = 40;
export const WHOLE_TEXT_TOKENS = 256;

/** Longest piece without a border, in characters; keeps counting linear for texts without sentences. */
const MAX_PIECE_LENGTH = 600;

/**
 * Splits a text into overlapping chunks on sentence borders. Together they cover it whole; none is empty; a
 * sentence that is longer than a chunk is split between words, or between characters where there are no words.
 * Linear in the length of the text.
 */
export function chunkText(text: string, options: ChunkingOptions): Chunk[] {
  const { countTokens, maxTokens = MAX_CHUNK_TOKENS, overlapTokens = OVERLAP_TOKENS } = options;
  const wholeTokens = options.wholeTokens ?? WHOLE_TEXT_TOKENS;
  // No token is longer than its characters, so most short texts need no counting by parts.
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

/** The first of the pieces before `index` that together fit into the room. */
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

/** Sentences and lines; a long one in parts of at most `MAX_PIECE_LENGTH` characters. */
function* piecesOf(text: string): Generator<Chunk> {
  // The look-behind lets a run of dots match from its beginning only: without it a long run costs its square.
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

/** Halves a piece until it fits. */
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

/** Behind the last white space between two offsets, else the later offset, never inside a surrogate pair. */
function splitPoint(text: string, earliest: number, latest: number): number {
  for (let point = latest; point > earliest; point -= 1) {
    if (/\s/.test(text.charAt(point - 1))) return point;
  }
  const code = text.charCodeAt(latest);
  const insidePair = code >= 0xdc00 && code <= 0xdfff;
  return insidePair ? latest + 1 : latest;
}

/**
 * Tokens of a text as a WordPiece or BPE tokenizer would roughly count them, erring high: a word is at least one
 * token and one for every four letters, every other visible character is one.
 */
export function estimateTokens(text: string): number {
  let tokens = 0;
  for (const [word] of text.matchAll(/[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{N}]+|\S/gu)) {
    tokens += Math.ceil(word.length / 4);
  }
  return tokens;
}
