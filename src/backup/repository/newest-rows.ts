import type { SegmentEntry } from '../format/manifest.ts';
import { decodeSegment, type SegmentRow } from '../format/segment.ts';

/** Segments, with a function that reads their stored bytes. */
export interface SegmentSet {
  readonly machine: string;
  /** Oldest first. */
  readonly segments: readonly SegmentEntry[];
  /** @returns the stored bytes, whose size and hash were checked */
  readonly read: (entry: SegmentEntry) => Promise<Uint8Array>;
}

export interface NewestRow extends SegmentRow {
  /** Index of its segment in `SegmentSet.segments`. */
  readonly segment: number;
}

/**
 * Yields the newest row of each id, starting with the newest segment. Memory: the stored bytes of two segments (the
 * next one is fetched ahead), one decompressed segment, and 32 to 64 bytes for each id.
 * @throws the errors of `SegmentSet.read` and `decodeSegment`, possibly after some rows
 */
export async function* newestRows({ machine, segments, read }: SegmentSet): AsyncGenerator<NewestRow> {
  const seen = new IdSet();
  const newestFirst = segments.map((entry, segment) => ({ entry, segment })).reverse();
  let ahead = fetchAhead(newestFirst[0]?.entry, read);
  for (const [position, { entry, segment }] of newestFirst.entries()) {
    const stored = await ahead;
    ahead = fetchAhead(newestFirst[position + 1]?.entry, read);
    if (stored === undefined) return;
    for await (const row of decodeSegment(stored, entry, machine)) {
      if (seen.add(row.state.id)) yield { ...row, segment };
    }
  }
}

function fetchAhead(
  entry: SegmentEntry | undefined,
  read: SegmentSet['read'],
): Promise<Uint8Array | undefined> {
  if (entry === undefined) return Promise.resolve(undefined);
  const pending = read(entry);
  // A caller that stops early never awaits this promise. Its failure must not become an unhandled rejection.
  pending.catch(() => undefined);
  return pending;
}

const INITIAL_SLOTS = 1024;
const WORDS = 4;

/**
 * A set for millions of UUIDs. Typed arrays outside the JavaScript heap hold 16 bytes for each id, at most 64 with
 * free slots. Open addressing with linear probing; `#used` marks the occupied slots.
 */
export class IdSet {
  #slots = INITIAL_SLOTS;
  #words = new Uint32Array(INITIAL_SLOTS * WORDS);
  #used = new Uint8Array(INITIAL_SLOTS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /**
   * @param id UUID in lower case
   * @returns true when the id was not in the set
   */
  add(id: string): boolean {
    const words = wordsOf(id);
    if (this.#size * 2 >= this.#slots) this.#grow();
    return this.#insert(words);
  }

  #insert(id: Uint32Array): boolean {
    const mask = this.#slots - 1;
    let slot = hash(id) & mask;
    while (this.#used[slot] === 1) {
      const at = slot * WORDS;
      if (id.every((word, index) => this.#words[at + index] === word)) return false;
      slot = (slot + 1) & mask;
    }
    this.#used[slot] = 1;
    this.#words.set(id, slot * WORDS);
    this.#size += 1;
    return true;
  }

  #grow(): void {
    const words = this.#words;
    const used = this.#used;
    this.#slots *= 2;
    this.#words = new Uint32Array(this.#slots * WORDS);
    this.#used = new Uint8Array(this.#slots);
    this.#size = 0;
    for (let slot = 0; slot < used.length; slot += 1) {
      if (used[slot] === 1) this.#insert(words.subarray(slot * WORDS, slot * WORDS + WORDS));
    }
  }
}

function wordsOf(id: string): Uint32Array {
  const hex = id.replaceAll('-', '');
  return Uint32Array.from([0, 8, 16, 24], (at) => Number.parseInt(hex.slice(at, at + 8), 16));
}

/** Mixes all bits, so that consecutive ids do not cluster. Ids chosen to collide cost time but cause no error. */
function hash(id: Uint32Array): number {
  let mixed = 0x9e3779b9;
  for (const word of id) {
    mixed = Math.imul(mixed ^ word, 0x85ebca6b);
    mixed ^= mixed >>> 15;
  }
  return (Math.imul(mixed, 0xc2b2ae35) ^ (mixed >>> 13)) >>> 0;
}
