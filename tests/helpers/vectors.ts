/** A unit vector near the axis with this number; different axes give different, nearly orthogonal vectors. */
export function unitVector(dimension: number, axis: number): Float32Array {
  const vector = Float32Array.from({ length: dimension }, (_, index) =>
    index === axis % dimension ? 1 : 0.05 / (index + 1),
  );
  const length = Math.hypot(...vector);
  return vector.map((component) => component / length);
}

/** The stored form of a vector: float32 scale, little endian, then one int8 a dimension. */
export function encodeVector(vector: Float32Array): Uint8Array {
  const scale = Math.max(...vector.map(Math.abs)) / 127;
  const bytes = new Uint8Array(4 + vector.length);
  const view = new DataView(bytes.buffer);
  view.setFloat32(0, scale, true);
  vector.forEach((component, index) => {
    view.setInt8(4 + index, Math.round(component / scale));
  });
  return bytes;
}
