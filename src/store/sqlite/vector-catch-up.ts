import type { VectorIndex } from '../../vector/vector-index.ts';
import { type Connection, Query } from './connection.ts';
import { readTotals } from './totals.ts';

/** Rows read in one step: other calls wait some milliseconds for it, and loading a large store needs little memory. */
export interface StepSizes {
  readonly vectors: number;
  /** Versions without vectors are small. */
  readonly versions: number;
}

const STEP_SIZES: StepSizes = { vectors: 1_000, versions: 10_000 };

type Owner = [num: number, version: number];
type ChunkRow = [label: number, owner: number, vector: Uint8Array];

const selectOwners = new Query<[after: number, limit: number], Owner>(
  `SELECT num, current FROM memory NOT INDEXED WHERE state = 'live' AND num > ? ORDER BY num LIMIT ?`,
);
const selectAllChunks = new Query<[model: number, after: number, limit: number], ChunkRow>(
  'SELECT label, version, vector FROM chunk NOT INDEXED WHERE model = ? AND label > ? ORDER BY label LIMIT ?',
);
const selectChanged = new Query<[after: number, limit: number], [num: number, sequence: number]>(
  'SELECT num, sequence FROM memory WHERE sequence > ? ORDER BY sequence LIMIT ?',
);
const selectChunks = new Query<[model: number, after: number, upTo: number], ChunkRow>(
  `SELECT c.label, m.num, c.vector FROM memory m INDEXED BY memory_by_sequence CROSS JOIN chunk c ON c.version = m.current AND c.model = ?
   WHERE m.sequence > ? AND m.sequence <= ? AND m.state = 'live'`,
);

/**
 * Keeps a vector index equal to the vectors of one model's live memories. It follows the change sequence, which
 * includes the writes of other processes. Each instance has its own index.
 */
export class VectorCatchUp {
  readonly index: VectorIndex;
  readonly model: number;
  /** Most memories have one label, and a list for each of them would take more memory than the labels. */
  readonly #labels = new Map<number, number | readonly number[]>();
  readonly #connection: Connection;
  #sequence = 0;
  readonly #sizes: StepSizes;
  #firstReading: FirstReading | null = null;

  /**
   * @param of.index must be empty
   * @param of.sizes only tests give others than the usual ones
   */
  constructor(connection: Connection, of: { model: number; index: VectorIndex; sizes?: StepSizes }) {
    this.#connection = connection;
    this.model = of.model;
    this.index = of.index;
    this.#sizes = of.sizes ?? STEP_SIZES;
    this.#firstReading = this.#newReading();
  }

  #newReading(): FirstReading {
    return new FirstReading(this.#connection, this.model, this.#sizes);
  }

  /** Empties the index, so that another model can use it. */
  clear(): void {
    for (const num of this.#labels.keys()) this.index.remove(Int32Array.from(this.#labelsOfOne(num)));
    this.#labels.clear();
    this.#firstReading = this.#newReading();
  }

  /** Number of labels that the index should contain. */
  get count(): number {
    let count = 0;
    for (const labels of this.#labels.values()) count += typeof labels === 'number' ? 1 : labels.length;
    return count;
  }

  /** False for another model, and after the file was opened again, because it may be another file. */
  follows(connection: Connection, model: number): boolean {
    return this.#connection === connection && this.model === model;
  }

  /**
   * Reads some changes. Runs inside a transaction, so that after the last step the following queries see the same state.
   * @returns true when there may be more changes
   */
  step(): boolean {
    if (this.#firstReading !== null) {
      const chunks = this.#firstReading.step();
      if (chunks === null) {
        this.#sequence = this.#firstReading.sequence;
        this.#firstReading = null;
        return true;
      }
      this.#add(chunks);
      for (const [label, num] of chunks) this.#noteLabel(num, label);
      return true;
    }
    const changed = selectChanged.arrays(this.#connection, this.#sequence, this.#sizes.vectors);
    const last = changed.at(-1);
    if (last === undefined) return false;
    const nums = changed.map(([num]) => num);
    this.#apply(nums, selectChunks.arrays(this.#connection, this.model, this.#sequence, last[1]));
    this.#sequence = last[1];
    return changed.length === this.#sizes.vectors;
  }

  /** Adds and removes the labels that changed. A label always means the same vector, so kept labels need no update. */
  #apply(changed: readonly number[], chunks: readonly ChunkRow[]): void {
    const labels = new Map(changed.map((num): [number, number[]] => [num, []]));
    for (const [label, num] of chunks) labels.get(num)?.push(label);
    const gone: number[] = [];
    const kept = new Set<number>();
    for (const [num, now] of labels) {
      for (const label of this.#labelsOfOne(num)) {
        if (now.includes(label)) kept.add(label);
        else gone.push(label);
      }
    }
    if (gone.length > 0) this.index.remove(Int32Array.from(gone));
    this.#add(chunks.filter(([label]) => !kept.has(label)));
    for (const [num, now] of labels) this.#setLabels(num, now);
  }

  #add(chunks: readonly ChunkRow[]): void {
    if (chunks.length === 0) return;
    this.index.add(
      Int32Array.from(chunks, ([label]) => label),
      chunks.map(([, , vector]) => vector),
    );
  }

  /** The labels of memories; those without vectors are left out. */
  labelsOf(nums: Int32Array): Int32Array {
    const first = new Int32Array(nums.length);
    const more: number[] = [];
    let count = 0;
    for (const num of nums) {
      const labels = this.#labels.get(num);
      if (typeof labels === 'number') first[count++] = labels;
      else if (labels !== undefined) more.push(...labels);
    }
    const all = new Int32Array(count + more.length);
    all.set(first.subarray(0, count));
    all.set(more, count);
    return all;
  }

  #labelsOfOne(num: number): readonly number[] {
    const labels = this.#labels.get(num) ?? [];
    return typeof labels === 'number' ? [labels] : labels;
  }

  #noteLabel(num: number, label: number): void {
    const known = this.#labels.get(num);
    if (known === undefined) this.#labels.set(num, label);
    else this.#labels.set(num, typeof known === 'number' ? [known, label] : [...known, label]);
  }

  #setLabels(num: number, labels: readonly number[]): void {
    const [only] = labels;
    if (only === undefined) this.#labels.delete(num);
    else this.#labels.set(num, labels.length === 1 ? only : labels);
  }
}

/**
 * Reads all vectors in the order in which they lie in the file, which takes a third of the time of following the
 * changes. The memories may change between the steps: such changes come after `sequence`, and are followed afterwards.
 */
class FirstReading {
  readonly #connection: Connection;
  readonly #model: number;
  readonly #sizes: StepSizes;
  /** The memory of each current version. */
  readonly #owners = new Map<number, number>();
  #sequence: number | null = null;
  #lastOwner: number | null = 0;
  #lastLabel = 0;

  constructor(connection: Connection, model: number, sizes: StepSizes) {
    this.#connection = connection;
    this.#model = model;
    this.#sizes = sizes;
  }

  /** Number of the last change before the first step. */
  get sequence(): number {
    return this.#sequence ?? 0;
  }

  /** @returns vectors with their labels and memories; null after the last ones */
  step(): ChunkRow[] | null {
    this.#sequence ??= readTotals(this.#connection).sequence;
    if (this.#lastOwner !== null) {
      this.#lastOwner = this.#readOwners(this.#lastOwner);
      return [];
    }
    const { vectors } = this.#sizes;
    const chunks = selectAllChunks.arrays(this.#connection, this.#model, this.#lastLabel, vectors);
    const last = chunks.at(-1);
    if (last === undefined) return null;
    this.#lastLabel = last[0];
    return chunks.flatMap(([label, version, vector]): ChunkRow[] => {
      const num = this.#owners.get(version);
      return num === undefined ? [] : [[label, num, vector]];
    });
  }

  /** @returns the number of the last memory read; null when there are no more */
  #readOwners(after: number): number | null {
    const { versions } = this.#sizes;
    const owners = selectOwners.arrays(this.#connection, after, versions);
    for (const [num, version] of owners) this.#owners.set(version, num);
    return owners.length < versions ? null : (owners.at(-1)?.[0] ?? null);
  }
}
