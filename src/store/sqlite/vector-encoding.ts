/** Bytes of the scale before the components. */
export const SCALE_BYTES = 4;

/** Writes the vector that the bytes encode (float32 scale, little endian, then one int8 a dimension) to the target. */
export function decodeVector(bytes: Uint8Array, target: Float32Array, offset: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const scale = view.getFloat32(0, true);
  for (let index = SCALE_BYTES; index < bytes.length; index += 1) {
    target[offset + index - SCALE_BYTES] = view.getInt8(index) * scale;
  }
}
