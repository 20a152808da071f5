import { hash } from 'node:crypto';
import type { Embedder, EmbeddingModelId } from '../embedding/embedder.ts';
import type { MemoryStore, MemoryVector } from '../store/memory-store.ts';
import { calibrationFor } from './calibration.ts';
import { findSimilar } from './find-similar.ts';
import { applyPatch, type Memory, type MemoryPatch } from './memory.ts';
import type { DeduplicateResult, DuplicateGroup, MemoryWork, SimilarMemory } from './memory-api.ts';
import { statementKey } from './same-statement.ts';
import { planTwin } from './twin.ts';
import { type Dot, type MemoryContent, sameDot } from './version.ts';

export interface DeduplicatorParts {
  readonly store: MemoryStore;
  readonly embedder: Embedder;
}

export interface DeduplicateOptions extends Pick<MemoryWork, 'signal'> {
  /** Memories with at least this similarity that do not say the same are reported as alike, 0 to 1. */
  readonly threshold: number;
  readonly dryRun: boolean;
}

/** Memories read at once, before each report of progress. */
const BATCH = 50;
/** Memories read at once, to see whether they changed. */
const READ_AT_ONCE = 500;
const SHOWN_GROUPS = 50;
/** Most alike memories that are named for one memory. */
const SHOWN_ALIKE = 5;

/**
 * Groups memories that say the same, word for word, around the oldest of them. A dry run also reports memories that
 * only resemble each other. Memories with an open conflict are left out, because a person must decide about them.
 */
export async function deduplicate(
  { store, embedder }: DeduplicatorParts,
  options: DeduplicateOptions & MemoryWork,
): Promise<DeduplicateResult> {
  const search = new DuplicateSearch({ store, embedder }, await embedder.modelId(), options);
  for await (const page of factPages(store, options)) await search.take(page);
  const { dryRun, threshold } = options;
  const groups = await search.describeGroups();
  const count = dryRun ? search.count : await search.remove();
  const { compared, alike } = search;
  return { dryRun, threshold, compared, pending: await search.pending(), count, groups, alike };
}

/** Memories that say the same and can be joined. */
interface Group {
  readonly keep: { readonly id: string; readonly dot: Dot };
  readonly others: { readonly id: string; readonly dot: Dot }[];
  /** Content of the memory that stays, including the tags, source and metadata that it takes in. */
  joined: MemoryContent;
  patch: MemoryPatch;
}

/** Live facts without an open conflict, some at a time. */
export interface FactPage {
  readonly memories: readonly Memory[];
  /** Position of each id among all facts, the oldest first. */
  readonly ages: ReadonlyMap<string, number>;
}

/** All facts, the oldest first; reports progress when a page is done with. */
export async function* factPages(
  store: MemoryStore,
  { signal, onProgress }: MemoryWork,
): AsyncGenerator<FactPage> {
  const ids = await store.matching({ kind: 'fact' });
  const ages = new Map(ids.map((id, position) => [id, position]));
  for (let start = 0; start < ids.length; start += BATCH) {
    signal?.throwIfAborted();
    const memories = await store.getCurrent(ids.slice(start, start + BATCH));
    yield { memories: memories.filter(({ state, conflict }) => state === 'live' && !conflict), ages };
    onProgress?.({ done: Math.min(start + BATCH, ids.length), total: ids.length });
  }
}

/** Compares the facts that it takes, page by page. */
export class DuplicateSearch {
  compared = 0;
  readonly alike: DuplicateGroup[] = [];
  /** Groups by the hash of the statement; several when some of its memories cannot be joined. */
  readonly #groups = new Map<string, Group[]>();
  readonly #named = new Set<string>();
  readonly #parts: DeduplicatorParts;
  readonly #modelId: EmbeddingModelId;
  readonly #options: DeduplicateOptions;

  constructor(parts: DeduplicatorParts, modelId: EmbeddingModelId, options: DeduplicateOptions) {
    this.#parts = parts;
    this.#modelId = modelId;
    this.#options = options;
  }

  /** Number of memories that repeat an older one. */
  get count(): number {
    return this.#doubled().reduce((sum, { others }) => sum + others.length, 0);
  }

  /** The memories that `remove` would touch, as they were when they were compared. */
  get members(): readonly { readonly id: string; readonly dot: Dot }[] {
    return this.#doubled().flatMap(({ keep, others }) => [keep, ...others]);
  }

  #doubled(): Group[] {
    return [...this.#groups.values()].flat().filter(({ others }) => others.length > 0);
  }

  async take({ memories, ages }: FactPage): Promise<void> {
    for (const memory of memories) this.#group(memory);
    this.compared += memories.length;
    if (this.#options.dryRun) await this.#findAlike(memories, ages);
  }

  #group(memory: Memory): void {
    const key = hash('sha256', statementKey(memory.text));
    const groups = this.#groups.get(key) ?? [];
    this.#groups.set(key, groups);
    const { id, dot } = memory;
    for (const group of groups) {
      const plan = planTwin(group.joined, memory);
      if (!plan.joins) continue;
      group.joined = applyPatch(group.joined, plan.patch);
      if (plan.gained.length > 0) {
        const { tags, source, metadata } = group.joined;
        group.patch = { addTags: tags, source, metadata };
      }
      group.others.push({ id, dot });
      return;
    }
    groups.push({ keep: { id, dot }, others: [], joined: memory, patch: {} });
  }

  async #findAlike(memories: readonly Memory[], ages: FactPage['ages']): Promise<void> {
    const { reads } = calibrationFor(this.#modelId.modelId);
    const readable = new Map(memories.filter(({ text }) => reads(text)).map((memory) => [memory.id, memory]));
    for (const { id, vector, chunks } of await this.#vectors([...readable.keys()])) {
      this.#options.signal?.throwIfAborted();
      if (this.alike.length >= SHOWN_GROUPS) return;
      const keep = readable.get(id);
      if (keep === undefined || chunks !== 1 || this.#named.has(id)) continue;
      const embedded = { text: keep.text, vector, end: keep.text.length };
      const similar = await findSimilar(this.#parts, embedded, {
        limit: SHOWN_ALIKE,
        except: id,
        atLeast: -1,
      });
      const duplicates = similar.filter((other) => this.#isAlike(other, ages.get(id) ?? 0, ages));
      for (const other of duplicates) this.#named.add(other.id);
      if (duplicates.length > 0) this.alike.push({ keep, duplicates });
    }
  }

  async #vectors(ids: readonly string[]): Promise<MemoryVector[]> {
    return ids.length === 0 ? [] : this.#parts.store.vectors(this.#modelId, ids);
  }

  #isAlike(other: SimilarMemory, age: number, ages: ReadonlyMap<string, number>): boolean {
    const isYounger = (ages.get(other.id) ?? -1) > age && !this.#named.has(other.id);
    return isYounger && other.differs !== undefined && (other.similarity ?? 0) >= this.#options.threshold;
  }

  /**
   * Moves duplicates to the trash, after the memory that stays has taken in their tags, source and metadata. Skips a
   * group when any of its memories has changed since it was compared.
   */
  async remove(): Promise<number> {
    const { store } = this.#parts;
    const groups = this.#doubled();
    const unchanged = await this.#unchanged(groups.flatMap(({ keep, others }) => [keep, ...others]));
    const removable: string[] = [];
    for (const { keep, others, patch } of groups) {
      // The memory that stays takes values from all others, so none of them may have changed.
      if (![keep, ...others].every(({ id }) => unchanged.has(id))) continue;
      if (Object.keys(patch).length > 0) await store.update(keep.id, patch);
      removable.push(...others.map(({ id }) => id));
    }
    return removable.length === 0 ? 0 : store.delete(removable);
  }

  async #unchanged(members: readonly { readonly id: string; readonly dot: Dot }[]): Promise<Set<string>> {
    const compared = new Map(members.map(({ id, dot }) => [id, dot]));
    const ids = [...compared.keys()];
    const unchanged = new Set<string>();
    for (let start = 0; start < ids.length; start += READ_AT_ONCE) {
      const memories = await this.#parts.store.getCurrent(ids.slice(start, start + READ_AT_ONCE));
      for (const { id, state, dot } of memories) {
        const before = compared.get(id);
        if (state === 'live' && before !== undefined && sameDot(dot, before)) unchanged.add(id);
      }
    }
    return unchanged;
  }

  /** Number of live memories without a vector. */
  async pending(): Promise<number> {
    const { live, embedded } = await this.#parts.store.stats(this.#modelId);
    return live - embedded;
  }

  /** The largest groups, with the texts of their memories. */
  async describeGroups(): Promise<DuplicateGroup[]> {
    const { reads } = calibrationFor(this.#modelId.modelId);
    const largest = this.#doubled()
      .toSorted((a, b) => b.others.length - a.others.length)
      .slice(0, SHOWN_GROUPS);
    const described: DuplicateGroup[] = [];
    for (const { keep, others } of largest) {
      const [first, ...rest] = await this.#parts.store.getCurrent([keep.id, ...others.map(({ id }) => id)]);
      if (first?.id !== keep.id) continue;
      const duplicates = rest.map(({ id, text }) => ({ id, text, similarity: reads(text) ? 1 : null }));
      described.push({ keep: first, duplicates });
    }
    return described;
  }
}
