/** A line of a file, or a piece of one that is longer than the limit. */
export interface ByteLine {
  /** 1-based. */
  readonly number: number;
  /** Without the line feed; a carriage return before it is still there. */
  readonly bytes: Uint8Array;
  /** The line is longer than the limit and comes in one or more pieces, in order. */
  readonly tooLong: boolean;
  /** Nothing of this line follows. */
  readonly last: boolean;
  /** False when the file ended before a line feed. */
  readonly terminated: boolean;
  /** Offset in the file behind what was read of the line, the line feed included. */
  readonly endOffset: number;
}

const LINE_FEED = 0x0a;

/**
 * Splits bytes at line feeds. Holds at most `maxBytes` and one chunk: longer lines are handed on in pieces.
 * A line feed at the end of the file begins no further line.
 */
export async function* readByteLines(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<ByteLine> {
  const line = new LineBuffer(maxBytes);
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      line.append(chunk.subarray(start, end));
      yield line.end();
      start = end + 1;
    }
    line.append(chunk.subarray(start));
    if (line.isFull) yield line.piece();
  }
  if (line.hasBegun) yield line.endOfFile();
}

/** The line that is being read. */
class LineBuffer {
  readonly #maxBytes: number;
  #parts: Uint8Array[] = [];
  #length = 0;
  #number = 1;
  #offset = 0;
  #pieces = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  append(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#parts.push(bytes);
    this.#length += bytes.length;
    this.#offset += bytes.length;
  }

  get isFull(): boolean {
    return this.#length > this.#maxBytes;
  }

  get hasBegun(): boolean {
    return this.#length > 0 || this.#pieces > 0;
  }

  piece(): ByteLine {
    const piece = this.#take({ tooLong: true, last: false, terminated: true });
    this.#pieces += 1;
    return piece;
  }

  end(): ByteLine {
    this.#offset += 1;
    const line = this.#take({ tooLong: this.isFull || this.#pieces > 0, last: true, terminated: true });
    this.#number += 1;
    this.#pieces = 0;
    return line;
  }

  endOfFile(): ByteLine {
    return this.#take({ tooLong: this.isFull || this.#pieces > 0, last: true, terminated: false });
  }

  #take(state: Pick<ByteLine, 'tooLong' | 'last' | 'terminated'>): ByteLine {
    const [only] = this.#parts;
    const bytes = this.#parts.length === 1 && only !== undefined ? only : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#length = 0;
    return { number: this.#number, bytes, endOffset: this.#offset, ...state };
  }
}
