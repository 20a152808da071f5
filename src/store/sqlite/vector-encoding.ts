/** Bytes of the scale before the components. */
export const SCALE_BYTES = 4;

/** Writes the vector that the bytes encode (float32 scale, little endian, then one int8 a dimension) to the target. */
export function decodeVector(bytes: Uint8Array, target: Float32Array, offset: number): void {
  const scale = new DataView(bytes.buffer, bytes.byteOffset).getFloat32(0, true);
  const components = new Int8Array(bytes.buffer, bytes.byteOffset + SCALE_BYTES, bytes.length - SCALE_BYTES);
  for (let index = 0; index < components.length; index += 1) {
    target[offset + index] = (components[index] ?? 0) * scale;
  }
}
