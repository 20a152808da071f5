import { isObject } from '../../util/json.ts';

/**
 * The frames of the socket between a process that has the model and one that asks it. All numbers are little-endian:
 * length of the rest (4 bytes), length of the header (4 bytes), header as JSON, numbers of the typed arrays.
 */
/** Longest frame of a process that asks; a longer text is embedded by the process that has it. */
export const LONGEST_REQUEST = 8 << 20;
/** Longest frame of the process that has the model. */
export const LONGEST_ANSWER = 64 << 20;

const LENGTH_BYTES = 4;
/** Member of the header that stands for a typed array: its kind, offset in bytes, and number of elements. */
const ARRAY = '$array';

const KINDS = { f32: Float32Array, i32: Int32Array, u8: Uint8Array, i8: Int8Array } as const;
type Kind = keyof typeof KINDS;
type TypedArray = InstanceType<(typeof KINDS)[Kind]>;

/** A frame that breaks the format or a limit. */
export class FrameError extends Error {}

/**
 * Encodes plain data with typed arrays anywhere in it.
 * @throws FrameError when it is longer than `limit`
 */
export function encodeFrame(message: object, limit: number): Buffer {
  const parts: Uint8Array[] = [];
  let offset = 0;
  const header = JSON.stringify(message, (_, value: unknown) => {
    const kind = kindOf(value);
    if (kind === undefined) return value;
    const { buffer, byteOffset, byteLength, length } = value as TypedArray;
    parts.push(new Uint8Array(buffer, byteOffset, byteLength));
    const place = offset;
    offset += byteLength;
    return { [ARRAY]: [kind, place, length] };
  });
  const headerLength = Buffer.byteLength(header);
  const length = LENGTH_BYTES + headerLength + offset;
  if (length > limit) throw new FrameError(`a frame of ${length} bytes is longer than ${limit}`);
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + length);
  frame.writeUInt32LE(length, 0);
  frame.writeUInt32LE(headerLength, LENGTH_BYTES);
  let at = 2 * LENGTH_BYTES;
  at += frame.write(header, at);
  for (const part of parts) {
    frame.set(part, at);
    at += part.byteLength;
  }
  return frame;
}

function kindOf(value: unknown): Kind | undefined {
  for (const [kind, TypedArrayClass] of Object.entries(KINDS))
    if (value instanceof TypedArrayClass) return kind as Kind;
  return undefined;
}

/** @param body a frame without its first length. @throws FrameError */
export function decodeFrame(body: Buffer): Readonly<Record<string, unknown>> {
  const headerLength = body.length < LENGTH_BYTES ? Infinity : body.readUInt32LE(0);
  const start = LENGTH_BYTES + headerLength;
  if (start > body.length) throw new FrameError('the header of a frame is longer than the frame');
  const numbers = body.subarray(start);
  const message = parse(body.toString('utf8', LENGTH_BYTES, start), (value) => {
    const place = value[ARRAY];
    return place === undefined ? value : readArray(numbers, place);
  });
  if (!isObject(message)) throw new FrameError('the header of a frame is no object');
  return message;
}

function parse(json: string, revive: (value: Record<string, unknown>) => unknown): unknown {
  try {
    return JSON.parse(json, (_, value: unknown) => (isObject(value) ? revive(value) : value));
  } catch (error) {
    throw error instanceof FrameError ? error : new FrameError('the header of a frame is no JSON');
  }
}

function readArray(numbers: Uint8Array, place: unknown): TypedArray {
  const [kind, offset, length] = Array.isArray(place) ? (place as unknown[]) : [];
  if (typeof kind !== 'string' || !Object.hasOwn(KINDS, kind) || !isCount(offset) || !isCount(length))
    throw new FrameError('an array of a frame has no kind, offset and length');
  const TypedArrayClass = KINDS[kind as Kind];
  const end = offset + length * TypedArrayClass.BYTES_PER_ELEMENT;
  if (end > numbers.length) throw new FrameError('an array of a frame ends behind the frame');
  // Copied, because a typed array must begin at a multiple of the size of its elements.
  return new TypedArrayClass(new Uint8Array(numbers.subarray(offset, end)).buffer);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** Puts frames together from the pieces that a socket brings. */
export class FrameReader {
  readonly #limit: number;
  #pieces: Buffer[] = [];
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** True while a frame has begun that is not complete. */
  get midway(): boolean {
    return this.#size > 0;
  }

  /** @returns the frames that are complete now. @throws FrameError; the rest of the stream cannot be read then */
  push(piece: Buffer): Readonly<Record<string, unknown>>[] {
    this.#pieces.push(piece);
    this.#size += piece.length;
    const messages: Readonly<Record<string, unknown>>[] = [];
    for (let body = this.#take(); body !== undefined; body = this.#take()) messages.push(decodeFrame(body));
    return messages;
  }

  #take(): Buffer | undefined {
    if (this.#size < LENGTH_BYTES) return undefined;
    const length = this.#head().readUInt32LE(0);
    if (length > this.#limit)
      throw new FrameError(`a frame of ${length} bytes is longer than ${this.#limit}`);
    const end = LENGTH_BYTES + length;
    if (this.#size < end) return undefined;
    const all = Buffer.concat(this.#pieces);
    const rest = all.subarray(end);
    this.#pieces = rest.length === 0 ? [] : [rest];
    this.#size = rest.length;
    return all.subarray(LENGTH_BYTES, end);
  }

  /** The first piece, long enough for the length of a frame. Longer frames are put together once, when complete. */
  #head(): Buffer {
    const [first] = this.#pieces;
    if (first !== undefined && first.length >= LENGTH_BYTES) return first;
    const all = Buffer.concat(this.#pieces);
    this.#pieces = [all];
    return all;
  }
}
