/** A unit vector as one scale and one signed byte for each dimension: 388 bytes for 384 dimensions. */
export interface QuantizedVector {
  /** `data[i] * scale` approximates the component; 0 for the zero vector. */
  readonly scale: number;
  readonly data: Int8Array;
}

const SCALE_BYTES = 4;

/** Symmetric scalar quantisation to int8. @throws RangeError when a component is not finite */
export function quantize(vector: Float32Array): QuantizedVector {
  let largest = 0;
  for (const value of vector) {
    if (!Number.isFinite(value)) throw new RangeError('a vector must be finite');
    largest = Math.max(largest, Math.abs(value));
  }
  // The scale is stored as float32. Rounding it here makes decoding an exact inverse of encoding.
  const scale = Math.fround(largest / 127);
  if (scale === 0) return { scale: 0, data: new Int8Array(vector.length) };
  return {
    scale,
    data: Int8Array.from(vector, (value) => Math.max(-127, Math.min(127, Math.round(value / scale)))),
  };
}

/** Writes the approximate components into `target` from `offset` on. */
export function dequantizeInto(target: Float32Array, offset: number, { scale, data }: QuantizedVector): void {
  // A plain loop, because this runs for every vector of the store when the index is filled.
  for (let i = 0; i < data.length; i += 1) target[offset + i] = (data[i] ?? 0) * scale;
}

/** @returns the scale as float32 (4 bytes, little-endian), followed by the data */
export function encodeVector({ scale, data }: QuantizedVector): Uint8Array {
  const bytes = new Uint8Array(SCALE_BYTES + data.length);
  new DataView(bytes.buffer).setFloat32(0, scale, true);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.length), SCALE_BYTES);
  return bytes;
}

/** Reads the bytes without copying them. @throws RangeError when their number does not fit the dimension */
export function decodeVector(bytes: Uint8Array, dimension: number): QuantizedVector {
  if (bytes.length !== SCALE_BYTES + dimension) {
    throw new RangeError(
      `a vector of ${dimension} dimensions has ${SCALE_BYTES + dimension} bytes, not ${bytes.length}`,
    );
  }
  const scale = new DataView(bytes.buffer, bytes.byteOffset, SCALE_BYTES).getFloat32(0, true);
  return { scale, data: new Int8Array(bytes.buffer, bytes.byteOffset + SCALE_BYTES, dimension) };
}
