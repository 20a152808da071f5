import type { Embedder, ModelStamp } from '../embedding/embedder.ts';
import type { MemoryStore, MemoryVector } from '../store/memory-store.ts';
import { calibrationFor } from './calibration.ts';
import type { DeduplicateResult, DuplicateGroup, MemoryWork } from './memory-api.ts';
import { type Dot, sameDot } from './version.ts';

export interface DeduplicatorParts {
  readonly store: MemoryStore;
  readonly embedder: Embedder;
}

export interface DeduplicateOptions extends MemoryWork {
  /** Similarity from which memories count as duplicates, 0 to 1. */
  readonly threshold: number;
  readonly dryRun: boolean;
}

/** Memories compared between two reports of progress. */
const BATCH = 50;
/** Neighbours looked at for each memory at first; more when all of them are duplicates. */
const NEIGHBOURS = 20;
/** Memories read at once. */
const READ_AT_ONCE = 500;
const SHOWN_GROUPS = 50;

/** Ids of the duplicates of one memory, with their similarity to it. */
type Duplicates = ReadonlyMap<string, number>;

/**
 * Groups memories that say the same around the oldest of them. Texts of several chunks are left out, because only
 * a part of them would be compared, and memories with an open conflict, because a person must decide about those.
 */
export async function deduplicate(
  { store, embedder }: DeduplicatorParts,
  options: DeduplicateOptions,
): Promise<DeduplicateResult> {
  const search = new DuplicateSearch(store, await embedder.stamp(), options);
  await search.run();
  const groups = await describeGroups(store, search.groups);
  const { dryRun, threshold } = options;
  const ids = dryRun ? search.duplicates : await search.unchangedDuplicates();
  const count = dryRun || ids.length === 0 ? ids.length : await store.delete(ids);
  return { dryRun, threshold, compared: search.compared, pending: await search.pending(), count, groups };
}

class DuplicateSearch {
  /** By the id of the memory that stays. */
  readonly groups = new Map<string, Duplicates>();
  compared = 0;
  readonly #store: MemoryStore;
  readonly #stamp: ModelStamp;
  readonly #options: DeduplicateOptions;
  readonly #taken = new Set<string>();
  /** The versions that were compared. */
  readonly #compared = new Map<string, Dot>();

  constructor(store: MemoryStore, stamp: ModelStamp, options: DeduplicateOptions) {
    this.#store = store;
    this.#stamp = stamp;
    this.#options = options;
  }

  get duplicates(): string[] {
    return [...this.groups.values()].flatMap((duplicates) => [...duplicates.keys()]);
  }

  /** Without those that somebody changed since they were compared, and those whose oldest was changed. */
  async unchangedDuplicates(): Promise<string[]> {
    const ids = [...this.groups].flatMap(([keep, duplicates]) => [keep, ...duplicates.keys()]);
    const unchanged = new Set<string>();
    for (let start = 0; start < ids.length; start += READ_AT_ONCE) {
      for (const { id, state, dot } of await this.#store.getCurrent(ids.slice(start, start + READ_AT_ONCE))) {
        const compared = this.#compared.get(id);
        if (state === 'live' && compared !== undefined && sameDot(dot, compared)) unchanged.add(id);
      }
    }
    return [...this.groups].flatMap(([keep, duplicates]) =>
      unchanged.has(keep) ? [...duplicates.keys()].filter((id) => unchanged.has(id)) : [],
    );
  }

  /** How many memories have no vector yet. */
  async pending(): Promise<number> {
    const { live, embedded } = await this.#store.stats(this.#stamp);
    return live - embedded;
  }

  async run(): Promise<void> {
    const ids = await this.#store.matching({});
    const ages = new Map(ids.map((id, position) => [id, position]));
    for (let start = 0; start < ids.length; start += BATCH) {
      for (const memory of await this.#comparable(ids.slice(start, start + BATCH))) {
        this.#options.signal?.throwIfAborted();
        this.compared += 1;
        if (!this.#taken.has(memory.id)) await this.#compare(memory, ages);
      }
      this.#options.onProgress?.({ done: Math.min(start + BATCH, ids.length), total: ids.length });
    }
  }

  /** @param ages position of each id among all, the oldest first */
  async #compare({ id, vector }: MemoryVector, ages: ReadonlyMap<string, number>): Promise<void> {
    const own = ages.get(id) ?? 0;
    const near = (await this.#near(vector)).filter(
      ([other]) => (ages.get(other) ?? -1) > own && !this.#taken.has(other),
    );
    if (near.length === 0) return;
    const allowed = new Set((await this.#comparable(near.map(([other]) => other))).map((other) => other.id));
    const duplicates = new Map(near.filter(([other]) => allowed.has(other)));
    if (duplicates.size === 0) return;
    this.groups.set(id, duplicates);
    for (const other of duplicates.keys()) this.#taken.add(other);
  }

  /** Ids of all memories that count as duplicates of this vector, with their similarity. */
  async #near(vector: Float32Array): Promise<(readonly [id: string, similarity: number])[]> {
    const { similarity } = calibrationFor(this.#stamp.modelId);
    for (let limit = NEIGHBOURS; ; limit *= 4) {
      const request = { filter: {}, limit, vector: { stamp: this.#stamp, vector } };
      const { vectors } = await this.#store.candidates(request);
      const near = vectors
        .map(({ id, score }) => [id, similarity(score)] as const)
        .filter(([, likeness]) => likeness >= this.#options.threshold);
      if (near.length < limit) return near;
    }
  }

  /** Those of the memories that may be compared, in the order of the ids. */
  async #comparable(ids: readonly string[]): Promise<MemoryVector[]> {
    const vectors = new Map(
      (await this.#store.vectors(this.#stamp, ids)).map((memory) => [memory.id, memory]),
    );
    const memories = await this.#store.getCurrent(ids);
    return memories.flatMap(({ id, conflict, dot }) => {
      const found = vectors.get(id);
      if (found?.chunks !== 1 || conflict) return [];
      this.#compared.set(id, dot);
      return [found];
    });
  }
}

/** The largest groups with their texts. */
async function describeGroups(
  store: MemoryStore,
  groups: ReadonlyMap<string, Duplicates>,
): Promise<DuplicateGroup[]> {
  const largest = [...groups].toSorted(([, a], [, b]) => b.size - a.size).slice(0, SHOWN_GROUPS);
  const described: DuplicateGroup[] = [];
  for (const [id, duplicates] of largest) {
    const [keep, ...others] = await store.getCurrent([id, ...duplicates.keys()]);
    if (keep?.id !== id) continue;
    described.push({
      keep,
      duplicates: others.map((other) => ({
        id: other.id,
        text: other.text,
        similarity: duplicates.get(other.id) ?? 0,
      })),
    });
  }
  return described;
}
