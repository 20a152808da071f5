import type { TokenVectors } from './embedder.ts';

/**
 * Late interaction (Khattab, Zaharia 2020, "ColBERT"): a text answers a query as well as its word pieces answer those
 * of the query. Each piece of the query looks for the nearest piece of the text; how much it counts is told by how rare
 * it is. Vectors of texts are kept with 4 bits a component, and no scale, because only their direction counts.
 */

/** Most components are smaller than this; larger ones are cut off. Measured on unit vectors of 128 components. */
const CUT_OFF = 0.7;
const LARGEST = 7;
/** Added to a component, so that half a byte can hold it. */
const SHIFT = 8;
/** Pieces of a query beyond this number make the comparison slower, not better. */
export const MAX_QUERY_PIECES = 64;

/** Half a byte for each component. Each vector has its own scale, so that its largest components use all 4 bits. */
export function packTokens({ vectors, dimension }: Pick<TokenVectors, 'vectors' | 'dimension'>): Uint8Array {
  const packed = new Uint8Array(vectors.length / 2);
  for (let start = 0; start < vectors.length; start += dimension) {
    const vector = vectors.subarray(start, start + dimension);
    let largest = 0;
    for (const value of vector) largest = Math.max(largest, Math.abs(value));
    const scale = largest === 0 ? 0 : LARGEST / (CUT_OFF * largest);
    for (let i = 0; i < dimension; i += 2) {
      const low = toLevel((vector[i] ?? 0) * scale);
      const high = toLevel((vector[i + 1] ?? 0) * scale);
      packed[(start + i) / 2] = low | (high << 4);
    }
  }
  return packed;
}

function toLevel(value: number): number {
  return Math.max(-LARGEST, Math.min(LARGEST, Math.round(value))) + SHIFT;
}

/** The unit vector at a place of the packed ones. @param target has the dimension of the vectors */
export function unpackToken(packed: Uint8Array, place: number, target: Float32Array): void {
  const offset = (place * target.length) / 2;
  let squares = 0;
  for (let i = 0; i < target.length; i += 2) {
    const byte = packed[offset + i / 2] ?? 0;
    const low = (byte & 15) - SHIFT;
    const high = (byte >> 4) - SHIFT;
    target[i] = low;
    target[i + 1] = high;
    squares += low * low + high * high;
  }
  const scale = squares === 0 ? 0 : 1 / Math.sqrt(squares);
  for (let i = 0; i < target.length; i += 1) target[i] = (target[i] ?? 0) * scale;
}

/**
 * For each piece of the query the cosine of the nearest piece of the text.
 * @param packed from `packTokens`, of the query's dimension
 * @returns null for a text without pieces
 */
export function nearestPieces(query: TokenVectors, packed: Uint8Array): Float32Array | null {
  const { dimension, vectors, pieces } = query;
  const count = (packed.length * 2) / dimension;
  if (count === 0) return null;
  const best = new Float32Array(pieces.length).fill(-1);
  const token = new Float32Array(dimension);
  for (let place = 0; place < count; place += 1) {
    unpackToken(packed, place, token);
    for (let piece = 0; piece < best.length; piece += 1) {
      const cosine = dotAt(vectors, piece * dimension, token);
      if (cosine > (best[piece] ?? -1)) best[piece] = cosine;
    }
  }
  return best;
}

function dotAt(vectors: Float32Array, offset: number, token: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < token.length; i += 1) sum += (vectors[offset + i] ?? 0) * (token[i] ?? 0);
  return sum;
}

/**
 * How much each piece of a query counts, in all 1: the logarithm of how rare it is in the store, as in BM25.
 * @param texts number of texts in the store
 * @param frequencies in how many of them each piece occurs
 */
export function pieceWeights(texts: number, frequencies: readonly number[]): Float32Array {
  const rarity = frequencies.map((frequency) => Math.log(1 + (texts - frequency + 0.5) / (frequency + 0.5)));
  const all = rarity.reduce((sum, value) => sum + value, 0);
  return Float32Array.from(rarity, (value) => value / all);
}

/** Σ weight × cosine. */
export function weighted(cosines: Float32Array, weights: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < cosines.length; i += 1) sum += (cosines[i] ?? 0) * (weights[i] ?? 0);
  return sum;
}

/** The part of a query with the pieces that count most, so that a query of any length is compared quickly. */
export function mostTelling(
  query: TokenVectors,
  weights: Float32Array,
): { query: TokenVectors; weights: Float32Array } {
  if (weights.length <= MAX_QUERY_PIECES) return { query, weights };
  const places = [...weights.keys()]
    .sort((a, b) => (weights[b] ?? 0) - (weights[a] ?? 0))
    .slice(0, MAX_QUERY_PIECES);
  const { dimension } = query;
  const vectors = new Float32Array(places.length * dimension);
  places.forEach((place, index) => {
    vectors.set(query.vectors.subarray(place * dimension, (place + 1) * dimension), index * dimension);
  });
  const pieces = Int32Array.from(places, (place) => query.pieces[place] ?? 0);
  const kept = Float32Array.from(places, (place) => weights[place] ?? 0);
  const all = kept.reduce((sum, value) => sum + value, 0);
  return { query: { pieces, dimension, vectors }, weights: kept.map((value) => value / all) };
}
