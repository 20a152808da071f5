import { afterEach, beforeEach, expect } from 'vitest';
import type { EmbeddingModelId } from '../../../src/embedding/embedder.ts';
import type { MemoryFilter } from '../../../src/memory/filter.ts';
import type { MemoryDraft } from '../../../src/memory/memory.ts';
import type { MemoryStore, StoreStats } from '../../../src/store/memory-store.ts';
import { draft } from '../../helpers/drafts.ts';
import { encodeVector, unitVector } from '../../helpers/vectors.ts';

export const STAMP: EmbeddingModelId = { modelId: 'test-model', dimension: 8, weightsHash: 'aa' };
export const OTHER_STAMP: EmbeddingModelId = { modelId: 'other-model', dimension: 4, weightsHash: '' };
export const UNKNOWN_ID = '01890000-0000-7000-8000-000000000000';

/**
 * Makes an empty place for a store. `open` opens that same place again with every call. Stores in folders of their own do
 * not share who makes which vectors.
 */
export type PrepareStore = () => {
  readonly open: () => MemoryStore;
  readonly clean: () => void;
  readonly ownFolders?: true;
};

/** A store for each test, and what most tests do with it. */
class StoreUnderTest {
  readonly #prepare: PrepareStore;
  readonly #opened: MemoryStore[] = [];
  #place: ReturnType<PrepareStore> | undefined;
  #store: MemoryStore | undefined;

  constructor(prepare: PrepareStore) {
    this.#prepare = prepare;
  }

  start(): void {
    this.#place = this.#prepare();
    this.reopen();
  }

  get store(): MemoryStore {
    if (this.#store === undefined) throw new Error('There is a store only inside a test');
    return this.#store;
  }

  /** True when all that the openers share is a database. */
  get ownFolders(): boolean {
    return this.#place?.ownFolders === true;
  }

  /** Makes `store` a new one on the same data. */
  reopen(): void {
    this.#store = this.open();
  }

  /** Another store on the same data; it is closed after the test. */
  open(): MemoryStore {
    if (this.#place === undefined) throw new Error('There is a place only inside a test');
    const store = this.#place.open();
    this.#opened.push(store);
    return store;
  }

  /** @returns the id */
  async add(text: string, rest: Partial<MemoryDraft> = {}): Promise<string> {
    const [outcome] = await this.store.add([draft(text, rest)]);
    return outcome?.memory.id ?? '';
  }

  /** Gives memories that wait for vectors one chunk for each axis named here. */
  async embed(axes: Record<string, number[]>, modelId = STAMP): Promise<void> {
    const claimed = await this.store.claimPendingEmbeddings({ modelId, limit: 1_000, leaseMs: 0 });
    const writes = claimed
      .filter(({ id }) => axes[id] !== undefined)
      .map(({ versionKey, id, text }) => ({
        versionKey,
        chunks: (axes[id] ?? []).map((axis, index) => ({
          start: index,
          end: text.length,
          vector: encodeVector(unitVector(modelId.dimension, axis)),
        })),
      }));
    expect(await this.store.putEmbeddings(modelId, writes)).toBe(Object.keys(axes).length);
  }

  /** Ids nearest to the axis, best first. */
  async nearest(axis: number, filter: MemoryFilter = {}, limit = 10): Promise<string[]> {
    const vector = { modelId: STAMP, vector: unitVector(STAMP.dimension, axis) };
    const { vectors } = await this.store.candidates({ filter, limit, vector });
    return vectors.map(({ id }) => id);
  }

  async byWords(words: string, filter: MemoryFilter = {}): Promise<string[]> {
    return (await this.store.candidates({ filter, limit: 10, words })).words.map(({ id }) => id);
  }

  async expectIntact(): Promise<void> {
    expect((await this.store.checkIntegrity(STAMP)).problems).toEqual([]);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#opened.splice(0).map((store) => store.close()));
    this.#place?.clean();
  }
}

/** What is the same wherever and whenever the memories are looked at: not the size of the file, nor connections. */
export function lasting(stats: StoreStats): Record<string, unknown> {
  return Object.fromEntries(Object.entries(stats).filter(([name]) => name !== 'bytes' && name !== 'shared'));
}

/** Registers the hooks that give each test of this block a store of its own. */
export function useStore(prepare: PrepareStore): StoreUnderTest {
  const at = new StoreUnderTest(prepare);
  beforeEach(() => {
    at.start();
  });
  afterEach(() => at.stop());
  return at;
}
