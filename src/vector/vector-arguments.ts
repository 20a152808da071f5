import { VectorIndexError } from '../errors/embedding-errors.ts';

/** @throws VectorIndexError unless these are n distinct labels with n finite vectors */
export function checkVectors(dimension: number, labels: Int32Array, vectors: Float32Array): void {
  if (vectors.length !== labels.length * dimension) {
    throw new VectorIndexError(
      `${labels.length} labels need ${labels.length * dimension} floats of dimension ${dimension}, got ${vectors.length}`,
    );
  }
  checkLabels(labels);
  checkFinite(vectors);
}

/** @throws VectorIndexError unless they are distinct and not negative */
export function checkLabels(labels: Int32Array): void {
  if (labels.some((label) => label < 0)) throw new VectorIndexError('Labels must not be negative');
  if (new Set(labels).size !== labels.length) throw new VectorIndexError('Labels must be distinct');
}

/** @throws VectorIndexError unless the query has the dimension and k is a positive integer */
export function checkQuery(dimension: number, query: Float32Array, k: number): void {
  if (query.length !== dimension) {
    throw new VectorIndexError(`The query has ${query.length} floats, the index has dimension ${dimension}`);
  }
  if (!Number.isInteger(k) || k < 1)
    throw new VectorIndexError(`k is ${k}; allowed is an integer of at least 1`);
  checkFinite(query);
}

/** A loop: with a callback for each float, checking 100,000 vectors takes longer than adding them. */
function checkFinite(values: Float32Array): void {
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] ?? NaN;
    if (!Number.isFinite(value)) throw new VectorIndexError(`Float ${i} is ${value}; vectors must be finite`);
  }
}

/** @throws VectorIndexError unless it is a positive integer */
export function checkDimension(dimension: number): void {
  if (!Number.isInteger(dimension) || dimension < 1 || dimension > 65_536) {
    throw new VectorIndexError(`The dimension is ${dimension}; allowed is an integer from 1 to 65536`);
  }
}
