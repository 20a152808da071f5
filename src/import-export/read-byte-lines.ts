/** A line of a file, or a piece of a line that is longer than the limit. */
export interface ByteLine {
  /** Number of the line, from 1. */
  readonly number: number;
  /** The bytes without the line feed. A carriage return before it is included. */
  readonly bytes: Uint8Array;
  /** True when the line is longer than the limit. It then comes in one or more pieces, in order. */
  readonly tooLong: boolean;
  /** True for the last piece of the line. */
  readonly last: boolean;
  /** False when the file ends without a line feed after this line. */
  readonly terminated: boolean;
  /** Offset in the file behind these bytes and their line feed. */
  readonly endOffset: number;
}

const LINE_FEED = 0x0a;

/**
 * Splits bytes at line feeds. Holds at most `maxBytes` and one chunk, because longer lines come in pieces. A line feed
 * at the end of the file does not begin another line.
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

/** Collects the bytes of the current line. */
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
