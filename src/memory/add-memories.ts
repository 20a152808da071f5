import type { Embedder } from '../embedding/embedder.ts';
import type { MemoryStore } from '../store/memory-store.ts';
import { settleWithin } from '../util/settle-within.ts';
import { calibrationFor } from './calibration.ts';
import type { EmbeddingBackfill } from './embedding-backfill.ts';
import type { CheckedInput } from './input-checker.ts';
import type { Memory, MemoryDraft } from './memory.ts';
import type { AddRequest, AddResult, SimilarMemory } from './memory-api.ts';

/** More memories than this in one call get their vectors in the background, so that the call returns soon. */
const EMBED_AT_ONCE = 4;
const EMBED_AT_ONCE_MS = 3_000;
const LOAD_AND_EMBED_MS = 10_000;
/** `skip` and `supersede` need the similarity before they may write. */
const MODEL_WAIT_MS = 20_000;
const MAX_SIMILAR = 3;

interface AddOptions {
  readonly onDuplicate: AddRequest['onDuplicate'];
  readonly waitForModel: boolean;
}

export interface AdderParts {
  readonly store: MemoryStore;
  readonly embedder: Embedder;
  readonly backfill: EmbeddingBackfill;
}

/** Stores memories first and asks what they resemble second: nothing waits for a model to be kept. */
export class MemoryAdder {
  readonly #parts: AdderParts;

  constructor(parts: AdderParts) {
    this.#parts = parts;
  }

  async add(
    drafts: readonly CheckedInput<MemoryDraft>[],
    { onDuplicate, waitForModel }: AddOptions,
  ): Promise<AddResult[]> {
    if (onDuplicate === 'skip' || onDuplicate === 'supersede') {
      const results: AddResult[] = [];
      // One after the other: a memory may resemble the one before it.
      for (const draft of drafts) results.push(await this.#addUnlessSimilar(draft, onDuplicate));
      return results;
    }
    const outcomes = await this.#parts.store.add(
      drafts.map((draft) => draft.value),
      { allowDuplicates: onDuplicate === 'add' },
    );
    const added = outcomes.filter(({ outcome }) => outcome === 'added');
    const vectors = await this.#embedAtOnce(
      added.map(({ memory }) => memory.id),
      waitForModel,
    );
    const results: AddResult[] = [];
    for (const [index, { memory, outcome }] of outcomes.entries()) {
      const vector = vectors.get(memory.id);
      const similar = await this.#nearDuplicates(vector, memory.id);
      const masked = drafts[index]?.masked ?? [];
      const similarChecked = similar !== undefined || outcome === 'existing';
      results.push({ memory, outcome, similar: similar ?? [], similarChecked, masked });
    }
    return results;
  }

  /** Vectors of the new memories, as far as they could be had soon; the rest follows in the background. */
  async #embedAtOnce(
    ids: readonly string[],
    waitForModel = false,
  ): Promise<ReadonlyMap<string, Float32Array>> {
    const { backfill, embedder } = this.#parts;
    const none: ReadonlyMap<string, Float32Array> = new Map();
    if (ids.length === 0) return none;
    if ((!embedder.ready && !waitForModel) || ids.length > EMBED_AT_ONCE) {
      backfill.wake();
      return none;
    }
    try {
      const limit = waitForModel ? LOAD_AND_EMBED_MS : EMBED_AT_ONCE_MS;
      const vectors = await settleWithin(backfill.embedNow(ids), limit);
      if (vectors === undefined) {
        backfill.note(new Error(`The embedding model did not answer within ${limit / 1_000} s`));
      }
      return vectors ?? none;
    } catch (error) {
      backfill.note(error);
      backfill.wake();
      return none;
    }
  }

  async #addUnlessSimilar(
    draft: CheckedInput<MemoryDraft>,
    onDuplicate: 'skip' | 'supersede',
  ): Promise<AddResult> {
    const { store } = this.#parts;
    const vector = await this.#embed(draft.value.text);
    const nearDuplicates = await this.#nearDuplicates(vector, undefined);
    const similarChecked = nearDuplicates !== undefined;
    const similar = nearDuplicates ?? [];
    const [nearest] = similar;
    const [existing] = nearest === undefined ? [] : await store.getCurrent([nearest.id]);
    if (existing?.state === 'live' && existing.text !== draft.value.text) {
      const rest = { similar, similarChecked, masked: draft.masked };
      if (onDuplicate === 'skip') return { memory: existing, outcome: 'skipped', ...rest };
      return { memory: await this.#supersede(existing, draft.value), outcome: 'superseded', ...rest };
    }
    const [added] = await store.add([draft.value]);
    if (added === undefined) throw new RangeError('the store returned no outcome');
    if (added.outcome === 'added') await this.#embedAtOnce([added.memory.id]);
    return { ...added, similar, similarChecked, masked: draft.masked };
  }

  /** The nearest memory gets the new content as a version; its tags and metadata are kept beside the new ones. */
  async #supersede(existing: Memory, draft: MemoryDraft): Promise<Memory> {
    const memory = await this.#parts.store.update(existing.id, {
      text: draft.text,
      addTags: draft.tags,
      mergeMetadata: draft.metadata,
      ...(draft.source === '' ? {} : { source: draft.source }),
    });
    // The next memory of the same call may resemble it.
    await this.#embedAtOnce([memory.id]);
    return memory;
  }

  async #embed(text: string): Promise<Float32Array | undefined> {
    const { embedder, backfill } = this.#parts;
    try {
      const chunks = await settleWithin(embedder.embedPassage(text), MODEL_WAIT_MS);
      return chunks?.[0]?.vector;
    } catch (error) {
      backfill.note(error);
      return undefined;
    }
  }

  /**
   * Live memories, other than the one itself, at or above the model's threshold; best first. Undefined when
   * that cannot be told: the memory is stored all the same, so this is no reason to fail.
   */
  async #nearDuplicates(
    vector: Float32Array | undefined,
    self: string | undefined,
  ): Promise<SimilarMemory[] | undefined> {
    if (vector === undefined) return undefined;
    const { embedder, store, backfill } = this.#parts;
    try {
      const stamp = await embedder.stamp();
      const calibration = calibrationFor(stamp.modelId);
      const request = { filter: {}, limit: MAX_SIMILAR + 1, vector: { stamp, vector } };
      const { vectors } = await store.candidates(request);
      const near = vectors.filter(({ id, score }) => id !== self && score >= calibration.nearDuplicate);
      const scores = new Map(near.slice(0, MAX_SIMILAR).map(({ id, score }) => [id, score]));
      return (await store.getCurrent([...scores.keys()])).map((memory) => ({
        id: memory.id,
        text: memory.text,
        similarity: calibration.similarity(scores.get(memory.id) ?? 0),
      }));
    } catch (error) {
      backfill.note(error);
      return undefined;
    }
  }
}
