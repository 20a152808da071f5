/** A set of positions below a fixed size, as the bitmap that FAISS filters with. */
export class PositionSet {
  readonly #bits: Uint8Array;
  #count = 0;

  constructor(size: number) {
    this.#bits = new Uint8Array(Math.ceil(size / 8));
  }

  get count(): number {
    return this.#count;
  }

  add(position: number): void {
    const byte = this.#bits[position >> 3] ?? 0;
    const bit = 1 << (position & 7);
    if ((byte & bit) !== 0) return;
    this.#bits[position >> 3] = byte | bit;
    this.#count += 1;
  }

  /** The part from `start`, a multiple of 8, up to `end`: bit 0 of its first byte is `start`. Undefined when empty. */
  slice(start: number, end: number): Uint8Array | undefined {
    const bits = this.#bits.subarray(start >> 3, (end + 7) >> 3);
    return bits.some((byte) => byte !== 0) ? bits : undefined;
  }
}
