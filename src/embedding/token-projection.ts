import { isStopWord } from '../util/stop-words.ts';
import type { TokenVectors } from './embedder.ts';

const CONTINUATION = '##';
const TELLING = /[\p{L}\p{N}]/u;
const SPECIAL = /^\[.*\]$/;

/**
 * Positions of the word pieces that tell the topic of a text: neither special tokens nor punctuation nor whole stop
 * words.
 * @param pieces WordPiece tokens, where `##` marks the continuation of a word
 * @param from position of the first piece behind the prefix
 */
export function tellingPieces(pieces: readonly string[], from: number): number[] {
  return [...pieces.entries()].flatMap(([position, piece]) => {
    if (position < from || SPECIAL.test(piece) || !TELLING.test(piece)) return [];
    const isWhole = pieces[position + 1]?.startsWith(CONTINUATION) !== true;
    return isWhole && isStopWord(piece) ? [] : [position];
  });
}

/**
 * A principal component analysis of one model's last hidden states, which keeps the directions that differ most
 * between word pieces (scripts/fit-token-projection.ts).
 */
export class TokenProjection {
  readonly dimension: number;
  readonly #mean: Float32Array;
  /** Row by row: `dimension` directions of the length of the mean. */
  readonly #directions: Float32Array;

  constructor(mean: Float32Array, directions: Float32Array) {
    this.dimension = directions.length / mean.length;
    this.#mean = mean;
    this.#directions = directions;
  }

  /** Reads the file of the script: float32, little-endian, the mean and then the directions. */
  static parse(bytes: Uint8Array, hiddenSize: number): TokenProjection {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const numbers = Float32Array.from({ length: bytes.length / Float32Array.BYTES_PER_ELEMENT }, (_, index) =>
      view.getFloat32(index * Float32Array.BYTES_PER_ELEMENT, true),
    );
    return new TokenProjection(numbers.slice(0, hiddenSize), numbers.slice(hiddenSize));
  }

  /**
   * @param hidden the model's last hidden states, one after the other
   * @param positions which of them to project
   * @returns a unit vector for each position
   */
  project(hidden: Float32Array, positions: readonly number[]): Float32Array {
    const projected = new Float32Array(positions.length * this.dimension);
    const centred = new Float32Array(this.#mean.length);
    for (const [index, position] of positions.entries()) {
      this.#centre(hidden, position, centred);
      this.#turn(centred, projected.subarray(index * this.dimension, (index + 1) * this.dimension));
    }
    return projected;
  }

  /** Brings a state to the length 1 and subtracts the mean. */
  #centre(hidden: Float32Array, position: number, target: Float32Array): void {
    const size = target.length;
    const state = hidden.subarray(position * size, (position + 1) * size);
    const scale = 1 / lengthOf(state);
    for (let i = 0; i < size; i += 1) target[i] = (state[i] ?? 0) * scale - (this.#mean[i] ?? 0);
  }

  #turn(centred: Float32Array, target: Float32Array): void {
    const size = centred.length;
    for (let row = 0; row < target.length; row += 1) {
      let sum = 0;
      for (let i = 0; i < size; i += 1) sum += (this.#directions[row * size + i] ?? 0) * (centred[i] ?? 0);
      target[row] = sum;
    }
    const scale = 1 / lengthOf(target);
    for (let row = 0; row < target.length; row += 1) target[row] = (target[row] ?? 0) * scale;
  }
}

/** Never 0, so that it can divide. */
function lengthOf(vector: Float32Array): number {
  let sum = 0;
  for (const value of vector) sum += value * value;
  return Math.sqrt(sum) || 1;
}

/** The word pieces of one run of the model in the form of the port. */
export interface TokenRun {
  readonly ids: readonly number[];
  readonly pieces: readonly string[];
  /** Last hidden states of the pieces. */
  readonly hidden: Float32Array;
  /** Position of the first piece behind the prefix. */
  readonly from: number;
}

export function tokenVectorsOf(
  { ids, pieces, hidden, from }: TokenRun,
  projection: TokenProjection,
): TokenVectors {
  const positions = tellingPieces(pieces, from);
  return {
    pieces: Int32Array.from(positions, (position) => ids[position] ?? 0),
    dimension: projection.dimension,
    vectors: projection.project(hidden, positions),
  };
}
