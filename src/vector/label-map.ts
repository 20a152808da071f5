/** Which label stands at which position of a dense array; removal moves the last label into the gap. */
export class LabelMap {
  readonly #labels: number[] = [];
  readonly #positions = new Map<number, number>();

  get count(): number {
    return this.#labels.length;
  }

  position(label: number): number | undefined {
    return this.#positions.get(label);
  }

  label(position: number): number | undefined {
    return this.#labels[position];
  }

  /** @param label one that is not present */
  append(label: number): void {
    this.#positions.set(label, this.#labels.length);
    this.#labels.push(label);
  }

  /** Removes a label. @returns its position, which now holds what was last; undefined when it was not present */
  removeSwap(label: number): number | undefined {
    const position = this.#positions.get(label);
    if (position === undefined) return undefined;
    const last = this.#labels.pop();
    this.#positions.delete(label);
    if (last !== undefined && last !== label) {
      this.#labels[position] = last;
      this.#positions.set(last, position);
    }
    return position;
  }

  toArray(): Int32Array {
    return Int32Array.from(this.#labels);
  }
}
