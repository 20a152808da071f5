import { encodeVector as encode, quantize } from '../../src/embedding/quantization.ts';

/** A unit vector near the axis with this number; different axes give different, nearly orthogonal vectors. */
export function unitVector(dimension: number, axis: number): Float32Array {
  const vector = Float32Array.from({ length: dimension }, (_, index) =>
    index === axis % dimension ? 1 : 0.05 / (index + 1),
  );
  const length = Math.hypot(...vector);
  return vector.map((component) => component / length);
}

/** The form in which stores keep a vector. */
export function encodeVector(vector: Float32Array): Uint8Array {
  return encode(quantize(vector));
}
