/** Larger keys and values would not fit into 32 bits. */
const LARGEST = 2 ** 31 - 1;
const SMALLEST_CAPACITY = 16;
/** Marks a free place; keys are never negative. */
const FREE = -1;
/** Odd and without a pattern, so that neighbouring keys get distant places. */
const MULTIPLIER = 0x9e37_79b1;

/**
 * A map from integers to integers, each 0 ≤ n < 2^31. For a million entries it takes 16 MiB and less than half the time
 * of `Map`.
 */
export class IntegerMap {
  #count = 0;
  /** A key and its value beside each other; the number of such places is a power of two. */
  #places: Int32Array;
  #shift: number;

  constructor() {
    this.#shift = shiftFor(SMALLEST_CAPACITY);
    this.#places = new Int32Array(2 * SMALLEST_CAPACITY).fill(FREE);
  }

  get size(): number {
    return this.#count;
  }

  get(key: number): number | undefined {
    const at = this.#find(key);
    return this.#has(at, key) ? this.#places[at + 1] : undefined;
  }

  /** @throws RangeError when the key or the value is no integer of this range */
  set(key: number, value: number): void {
    if (!fits(key) || !fits(value))
      throw new RangeError(`${key} or ${value} is no integer from 0 to ${LARGEST}`);
    const at = this.#find(key);
    this.#places[at + 1] = value;
    if (this.#has(at, key)) return;
    this.#places[at] = key;
    this.#count += 1;
    // At most half full, so that a search ends after few places.
    if (this.#count * 4 > this.#places.length) this.#rebuild(this.#places.length);
  }

  /** @returns whether the key was there */
  delete(key: number): boolean {
    let free = this.#find(key);
    if (!this.#has(free, key)) return false;
    this.#count -= 1;
    // Closes the gap: a later entry moves forward when its search would stop at the gap.
    const mask = this.#places.length - 1;
    for (let at = (free + 2) & mask; ; at = (at + 2) & mask) {
      const other = this.#places[at] ?? FREE;
      if (other === FREE) break;
      const home = this.#home(other);
      if (((at - home) & mask) < ((at - free) & mask)) continue;
      this.#places.copyWithin(free, at, at + 2);
      free = at;
    }
    this.#places[free] = FREE;
    return true;
  }

  #has(at: number, key: number): boolean {
    return key !== FREE && this.#places[at] === key;
  }

  /** Where the key is or would be. */
  #find(key: number): number {
    const mask = this.#places.length - 1;
    for (let at = this.#home(key); ; at = (at + 2) & mask) {
      const found = this.#places[at];
      if (found === key || found === FREE) return at;
    }
  }

  #home(key: number): number {
    return (Math.imul(key, MULTIPLIER) >>> this.#shift) * 2;
  }

  #rebuild(capacity: number): void {
    const before = this.#places;
    this.#places = new Int32Array(2 * capacity).fill(FREE);
    this.#shift = shiftFor(capacity);
    for (let at = 0; at < before.length; at += 2) {
      const key = before[at] ?? FREE;
      if (key === FREE) continue;
      const to = this.#find(key);
      this.#places[to] = key;
      this.#places[to + 1] = before[at + 1] ?? 0;
    }
  }
}

function fits(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= LARGEST;
}

/** The highest bits of a product of 32 bits are the place. */
function shiftFor(capacity: number): number {
  return 32 - Math.log2(capacity);
}
