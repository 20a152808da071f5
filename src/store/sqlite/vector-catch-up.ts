import { VectorIndexError } from '../../errors/embedding-errors.ts';
import { IntegerMap } from '../../util/integer-map.ts';
import { encodedBytes, type VectorIndex } from '../../vector/vector-index.ts';
import { type Connection, Query } from './connection.ts';
import { isFilling } from './shared-position.ts';
import { readTotals } from './totals.ts';

/** Rows read in one step: other calls wait some milliseconds for it, and loading a large store needs little memory. */
export interface StepSizes {
  readonly vectors: number;
  /** Versions without vectors are small. */
  readonly versions: number;
  /** Changed memories, of which each is looked up. */
  readonly changes: number;
}

const STEP_SIZES: StepSizes = { vectors: 2_000, versions: 10_000, changes: 1_000 };

type ChunkRow = [label: number, owner: number, vector: Uint8Array];

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
  readonly #labels = new LabelsOfMemories();
  readonly #connection: Connection;
  #sequence = 0;
  readonly #sizes: StepSizes;
  #firstReading: FirstReading | null = null;
  readonly #wasFilling: boolean;

  /**
   * @param of.index must be empty
   * @param of.sizes only tests give others than the usual ones
   */
  constructor(connection: Connection, of: { model: number; index: VectorIndex; sizes?: StepSizes }) {
    this.#connection = connection;
    this.model = of.model;
    this.index = of.index;
    this.#sizes = of.sizes ?? STEP_SIZES;
    const { dimension } = of.index;
    this.#firstReading = new FirstReading(connection, { model: of.model, dimension, sizes: this.#sizes });
    this.#wasFilling = isFilling(connection);
  }

  /** Number of labels that the index should contain. */
  get count(): number {
    return this.#labels.count;
  }

  /** The labels of memories; those without vectors are left out. */
  labelsOf(nums: Int32Array): Int32Array {
    return Int32Array.from(this.#labels.of(nums));
  }

  /**
   * False for another model, after the file was opened again, because it may be another file, and after the first reading
   * of a shared space, which adds vectors to memories without a new number.
   */
  follows(connection: Connection, model: number): boolean {
    if (this.#connection !== connection || this.model !== model) return false;
    return !this.#wasFilling || isFilling(connection);
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
      this.index.add(chunks.labels, chunks.vectors);
      chunks.labels.forEach((label, place) => {
        this.#labels.note(chunks.nums[place] ?? 0, label);
      });
      return true;
    }
    const changed = selectChanged.arrays(this.#connection, this.#sequence, this.#sizes.changes);
    const last = changed.at(-1);
    if (last === undefined) return false;
    const nums = changed.map(([num]) => num);
    this.#apply(nums, selectChunks.arrays(this.#connection, this.model, this.#sequence, last[1]));
    this.#sequence = last[1];
    return changed.length === this.#sizes.changes;
  }

  /** Adds and removes the labels that changed. A label always means the same vector, so kept labels need no update. */
  #apply(changed: readonly number[], chunks: readonly ChunkRow[]): void {
    const labels = new Map(changed.map((num): [number, number[]] => [num, []]));
    for (const [label, num] of chunks) labels.get(num)?.push(label);
    const gone: number[] = [];
    const kept = new Set<number>();
    for (const [num, now] of labels) {
      for (const label of this.#labels.of([num])) {
        if (now.includes(label)) kept.add(label);
        else gone.push(label);
      }
    }
    if (gone.length > 0) this.index.remove(Int32Array.from(gone));
    this.#add(chunks.filter(([label]) => !kept.has(label)));
    for (const [num, now] of labels) this.#labels.replace(num, now);
  }

  #add(chunks: readonly ChunkRow[]): void {
    if (chunks.length === 0) return;
    this.index.add(
      Int32Array.from(chunks, ([label]) => label),
      Buffer.concat(chunks.map(([, , vector]) => vector)),
    );
  }
}

/** The labels of each memory, of which most have one. */
class LabelsOfMemories {
  /** One of the labels of a memory. */
  readonly #first = new IntegerMap();
  /** Another label of the same memory. */
  readonly #next = new IntegerMap();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  of(nums: Iterable<number>): number[] {
    const labels: number[] = [];
    for (const num of nums) {
      for (let label = this.#first.get(num); label !== undefined; label = this.#next.get(label))
        labels.push(label);
    }
    return labels;
  }

  note(num: number, label: number): void {
    const other = this.#first.get(num);
    if (other !== undefined) this.#next.set(label, other);
    this.#first.set(num, label);
    this.#count += 1;
  }

  replace(num: number, labels: readonly number[]): void {
    const before = this.of([num]);
    for (const label of before) this.#next.delete(label);
    this.#first.delete(num);
    this.#count -= before.length;
    for (const label of labels) this.note(num, label);
  }
}

/** Numbers as one JSON text and vectors as one blob, because rows would take three times as long. */
interface OwnerBlock {
  count: number;
  last: number | null;
  nums: string;
  versions: string;
}

interface ChunkBlock {
  count: number;
  last: number | null;
  labels: string;
  versions: string;
  longest: number;
  vectors: Uint8Array;
}

const selectOwners = new Query<[after: number, limit: number], OwnerBlock>(
  `SELECT count(*) AS count, max(num) AS last, json_group_array(num) AS nums, json_group_array(current) AS versions
   FROM (SELECT num, current FROM memory NOT INDEXED WHERE state = 'live' AND num > ? ORDER BY num LIMIT ?)`,
);
/** SQLite takes the bytes of a blob for a text as they are, whatever they are, and the cast takes them back. */
const selectAllChunks = new Query<[model: number, after: number, limit: number], ChunkBlock>(
  `SELECT count(*) AS count, max(label) AS last, json_group_array(label) AS labels,
     json_group_array(version) AS versions, max(length(vector)) AS longest,
     CAST(group_concat(vector, '') AS BLOB) AS vectors
   FROM (SELECT label, version, vector FROM chunk NOT INDEXED WHERE model = ? AND label > ? ORDER BY label LIMIT ?)`,
);

interface ReadChunks {
  readonly labels: Int32Array;
  /** The memory of each. */
  readonly nums: Int32Array;
  /** One after the other, as the index takes them. */
  readonly vectors: Uint8Array;
}

const NO_CHUNKS: ReadChunks = { labels: new Int32Array(), nums: new Int32Array(), vectors: new Uint8Array() };

/**
 * Reads all vectors in the order in which they lie in the file, which takes a fraction of the time of following the
 * changes. The memories may change between the steps: such changes come after `sequence`, and are followed afterwards.
 */
class FirstReading {
  readonly #connection: Connection;
  readonly #model: number;
  readonly #vectorBytes: number;
  readonly #sizes: StepSizes;
  /** The memory of each current version. */
  readonly #owners = new IntegerMap();
  #sequence: number | null = null;
  #lastOwner: number | null = 0;
  #lastLabel = 0;

  constructor(connection: Connection, of: { model: number; dimension: number; sizes: StepSizes }) {
    this.#connection = connection;
    this.#model = of.model;
    this.#vectorBytes = encodedBytes(of.dimension);
    this.#sizes = of.sizes;
  }

  /** Number of the last change before the first step. */
  get sequence(): number {
    return this.#sequence ?? 0;
  }

  /** @returns vectors of live memories; null after the last ones */
  step(): ReadChunks | null {
    this.#sequence ??= readTotals(this.#connection).sequence;
    if (this.#lastOwner !== null) {
      this.#lastOwner = this.#readOwners(this.#lastOwner);
      return NO_CHUNKS;
    }
    const block = selectAllChunks.get(this.#connection, this.#model, this.#lastLabel, this.#sizes.vectors);
    if (block === undefined || block.last === null) return null;
    this.#lastLabel = block.last;
    const { count, longest, vectors } = block;
    // As many bytes as are right can only be of different lengths when one is too long.
    if (longest !== this.#vectorBytes || vectors.length !== count * longest) {
      throw new VectorIndexError(`A vector of the ${count} up to number ${block.last} has the wrong size`);
    }
    return this.#ofLiveMemories(block);
  }

  #ofLiveMemories(block: ChunkBlock): ReadChunks {
    const labels = Int32Array.from(JSON.parse(block.labels) as number[]);
    const owners = (JSON.parse(block.versions) as number[]).map((version) => this.#owners.get(version));
    const size = this.#vectorBytes;
    let kept = 0;
    owners.forEach((num, place) => {
      if (num === undefined) return;
      if (kept !== place) {
        labels.copyWithin(kept, place, place + 1);
        block.vectors.copyWithin(kept * size, place * size, (place + 1) * size);
      }
      kept += 1;
    });
    const nums = Int32Array.from(owners.filter((num) => num !== undefined));
    return { labels: labels.subarray(0, kept), nums, vectors: block.vectors.subarray(0, kept * size) };
  }

  /** @returns the number of the last memory read; null when there are no more */
  #readOwners(after: number): number | null {
    const block = selectOwners.get(this.#connection, after, this.#sizes.versions);
    if (block === undefined || block.last === null) return null;
    const nums = JSON.parse(block.nums) as number[];
    const versions = JSON.parse(block.versions) as number[];
    versions.forEach((version, place) => {
      this.#owners.set(version, nums[place] ?? 0);
    });
    return block.count < this.#sizes.versions ? null : block.last;
  }
}
