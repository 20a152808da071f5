import { addHash, contentHash, emptySum, siblingsHash, storeDigests } from '../../src/memory/digest.ts';
import {
  canonicalJson,
  currentVersion,
  joinVersionVectors,
  mergeSiblings,
  type VersionVector,
  type Metadata,
} from '../../src/memory/version.ts';
import type { CarriedVersion, MemoryState, SnapshotSource, SnapshotView } from '../../src/backup/ports.ts';

export interface ModelContent {
  readonly text: string;
  readonly tags?: readonly string[];
  readonly metadata?: Metadata;
  /** Vectors to carry; default one chunk of 4 dimensions. */
  readonly vectors?: CarriedVersion['vectors'];
}

/** The smallest store that versions memories as the product does: the other side of backups in tests. */
export class ModelStore implements SnapshotSource {
  readonly machine: string;
  readonly memories = new Map<string, { sequence: number; siblings: readonly CarriedVersion[] }>();
  clock: VersionVector = {};
  sequence = 0;
  #time = 1_700_000_000_000;

  constructor(machine: string) {
    this.machine = machine;
  }

  write(id: string, content: ModelContent): void {
    this.#replace(id, 'live', content);
  }

  delete(id: string): void {
    const current = currentVersion(this.memories.get(id)?.siblings ?? []);
    this.#replace(id, 'deleted', current);
  }

  purge(id: string): void {
    this.#replace(id, 'purged', { text: '', vectors: [] });
  }

  /** New vectors change what a snapshot carries, and nothing else. */
  embed(id: string, vectors: CarriedVersion['vectors']): void {
    const siblings = (this.memories.get(id)?.siblings ?? []).map((version) => ({ ...version, vectors }));
    this.#set(id, siblings);
  }

  merge(rows: readonly MemoryState[], clock: VersionVector): void {
    for (const { id, siblings } of rows) {
      const mine = this.memories.get(id)?.siblings;
      const all = [...(mine ?? []), ...siblings];
      const merged =
        mine === undefined
          ? siblings
          : mergeSiblings({ siblings: mine, clock: this.clock }, { siblings, clock });
      const carried = merged.map((version): CarriedVersion => ({
        ...version,
        vectors: all.find((other) => canonicalJson(other.dot) === canonicalJson(version.dot))?.vectors ?? [],
      }));
      if (canonicalJson(mine?.map(({ dot }) => dot)) !== canonicalJson(carried.map(({ dot }) => dot))) {
        this.#set(id, carried);
      }
    }
    this.clock = joinVersionVectors(this.clock, clock);
  }

  /** A copy as it is now, for what happens to a cloned or rolled-back data folder. */
  clone(): ModelStore {
    const copy = new ModelStore(this.machine);
    for (const [id, memory] of this.memories) copy.memories.set(id, memory);
    copy.clock = this.clock;
    copy.sequence = this.sequence;
    return copy;
  }

  states(): MemoryState[] {
    return [...this.memories].map(([id, { siblings }]) => ({ id, siblings }));
  }

  openView(): Promise<SnapshotView> {
    return Promise.resolve(this.view());
  }

  view(): SnapshotView {
    const memories = [...this.memories];
    let content = emptySum();
    let state = emptySum();
    let live = 0;
    for (const [id, { siblings }] of memories) {
      const current = currentVersion(siblings);
      const dots = siblings.map(({ dot }) => dot);
      state = addHash(state, siblingsHash(id, dots));
      if (current.state !== 'live') continue;
      live += 1;
      content = addHash(content, contentHash(id, current));
    }
    const facts = { memories: memories.length, live, trash: memories.length - live };
    return {
      ...storeDigests({ content, state }, this.clock),
      machine: this.machine,
      sequence: this.sequence,
      facts,
      async *changesSince(sequence) {
        await Promise.resolve();
        for (const [id, memory] of memories) {
          if (memory.sequence > sequence) yield { id, siblings: memory.siblings };
        }
      },
      close: () => Promise.resolve(),
    };
  }

  #replace(id: string, state: CarriedVersion['state'], content: ModelContent): void {
    const n = (this.clock[this.machine] ?? 0) + 1;
    this.clock = { ...this.clock, [this.machine]: n };
    this.#time += 1_000;
    const { text, tags = [], metadata = {}, vectors = sampleVectors(text) } = content;
    this.#set(id, [
      {
        dot: { machine: this.machine, n },
        state,
        text,
        tags,
        source: '',
        metadata,
        createdAt: this.#time,
        updatedAt: this.#time,
        vectors,
      },
    ]);
  }

  #set(id: string, siblings: readonly CarriedVersion[]): void {
    this.sequence += 1;
    this.memories.set(id, { sequence: this.sequence, siblings });
  }
}

export const SAMPLE_STAMP = { modelId: 'sample', dimension: 4, weightsHash: '' };

function sampleVectors(text: string): CarriedVersion['vectors'] {
  const vector = Buffer.from([0, 0, 128, 63, 1, 2, 3, 4]);
  return [{ modelId: SAMPLE_STAMP, chunks: [{ start: 0, end: text.length, vector }] }];
}

/** A UUIDv7-like id that tells its number. */
export function idOf(number: number): string {
  return `0190a0b0-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;
}
