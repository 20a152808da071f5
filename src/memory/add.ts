import type { EmbeddedChunk, Embedder } from '../embedding/embedder.ts';
import { EmbeddingUnavailableError } from '../errors/embedding-errors.ts';
import type { AddOutcome, MemoryStore, PendingEmbedding } from '../store/memory-store.ts';
import { settleWithin } from '../util/concurrency.ts';
import { calibrationFor } from './calibration.ts';
import type { EmbeddedTexts, EmbeddingBackfill } from './embedding-backfill.ts';
import { findSameStatements, findSimilar } from './find-similar.ts';
import type { CheckedInput } from './input.ts';
import type { AddRequest, AddResult, NoveltyResult, SimilarMemory } from './memory-api.ts';
import type { Memory, MemoryDraft, MemoryPatch } from './memory.ts';
import { mayReword } from './same-statement.ts';
import { findTwin, planTwin } from './twin.ts';

/** A call with more memories than this leaves their vectors to the background, so that it returns soon. */
const EMBED_AT_ONCE = 4;
const EMBED_AT_ONCE_MS = 3_000;
const LOAD_AND_EMBED_MS = 10_000;
const MAX_SIMILAR = 3;

type AddOptions = Pick<AddRequest, 'onDuplicate' | 'waitForModel' | 'wait'>;

export interface AdderParts {
  readonly store: MemoryStore;
  readonly embedder: Embedder;
  readonly backfill: EmbeddingBackfill;
}

/** The outcome of one draft, before it is compared with similar memories. */
interface Stored extends Pick<AddResult, 'memory' | 'outcome' | 'gained' | 'twin'> {
  /** Key of the written version; absent when no new version was written. */
  readonly versionKey?: number;
  /** The memory that says the same, as it was before this call. */
  readonly same?: Memory;
}

/** Stores memories first and looks for similar ones afterwards, so that no memory waits for the model to be stored. */
export class MemoryAdder {
  readonly #parts: AdderParts;

  constructor(parts: AdderParts) {
    this.#parts = parts;
  }

  async add(
    drafts: readonly CheckedInput<MemoryDraft>[],
    { onDuplicate, waitForModel = false, wait = true }: AddOptions,
  ): Promise<AddResult[]> {
    const values = drafts.map(({ value }) => value);
    const isReady = wait && (this.#parts.embedder.ready || waitForModel);
    const areFew = isReady && drafts.length <= EMBED_AT_ONCE;
    const limitMs = waitForModel ? LOAD_AND_EMBED_MS : EMBED_AT_ONCE_MS;
    // A loaded model works while the texts are stored. What turns out to be known already is not embedded.
    const unneeded = new AbortController();
    const early = areFew && this.#parts.embedder.ready ? this.#embed(values, unneeded.signal) : undefined;
    const stored = await this.#store(values, onDuplicate, areFew ? limitMs : undefined).catch(
      (error: unknown) => {
        unneeded.abort();
        throw error;
      },
    );
    const items = stored.flatMap(newText);
    const isSoon = isReady && items.length <= EMBED_AT_ONCE;
    if (items.length === 0) unneeded.abort();
    else if (!isSoon) this.#embedLater(wait);
    const embedding = isSoon && items.length > 0 ? (early ?? this.#embed(items)) : undefined;
    const vectors = embedding && this.#storeVectors(items, embedding);
    const chunks = embedding && (await this.#inTime(embedding, limitMs));
    // One of several new memories may resemble another of them; a single one resembles only memories from before.
    if (items.length > 1 && chunks !== undefined) await vectors;
    const results: AddResult[] = [];
    for (const [index, outcome] of stored.entries()) {
      const similar = await this.#similarTo(outcome, chunks?.get(outcome.memory.text));
      results.push({
        memory: outcome.memory,
        outcome: outcome.outcome,
        gained: outcome.gained,
        ...(outcome.twin === undefined ? {} : { twin: outcome.twin }),
        similar: similar ?? [],
        similarChecked: similar !== undefined,
        masked: drafts[index]?.masked ?? [],
      });
    }
    if (chunks !== undefined) await vectors;
    return results;
  }

  #store(
    drafts: readonly MemoryDraft[],
    onDuplicate: AddRequest['onDuplicate'],
    leaseMs: number | undefined,
  ): Promise<Stored[]> {
    return onDuplicate === 'skip' || onDuplicate === 'supersede'
      ? this.#addUnlessSaid(drafts, onDuplicate, leaseMs)
      : this.#parts.store.add(drafts, { allowDuplicates: onDuplicate === 'add', leaseMs });
  }

  #embedLater(wait: boolean): void {
    const { backfill } = this.#parts;
    if (wait || backfill.isStarted) backfill.wake();
    else backfill.noteLeft();
  }

  #embed(texts: readonly { readonly text: string }[], signal?: AbortSignal): Promise<EmbeddedTexts> {
    const embedding = this.#parts.backfill.embedNow(
      texts.map(({ text }) => text),
      signal,
    );
    // Failures are reported once the memories are stored; an error of the store comes first.
    embedding.catch(() => undefined);
    return embedding;
  }

  /** Undefined when the texts are embedded later, in the background. */
  async #inTime(embedding: Promise<EmbeddedTexts>, limitMs: number): Promise<EmbeddedTexts | undefined> {
    const { backfill } = this.#parts;
    try {
      const embedded = await settleWithin(embedding, limitMs);
      if (embedded === undefined) backfill.noteSlow(limitMs);
      return embedded;
    } catch (error) {
      backfill.note(error);
      backfill.wake();
      return undefined;
    }
  }

  /**
   * Stores the vectors when they are there, even if no caller waits any more. The memories are stored already, so a
   * failure fails nothing else.
   */
  async #storeVectors(items: readonly PendingEmbedding[], embedding: Promise<EmbeddedTexts>): Promise<void> {
    const { backfill } = this.#parts;
    const embedded = await embedding.catch(() => undefined);
    try {
      if (embedded !== undefined) await backfill.storeNow(items, embedded);
    } catch (error) {
      backfill.note(error);
    }
  }

  /** Stores one draft after the other, because a draft may say the same as the one before it. */
  async #addUnlessSaid(
    drafts: readonly MemoryDraft[],
    onDuplicate: 'skip' | 'supersede',
    leaseMs: number | undefined,
  ): Promise<Stored[]> {
    const { store } = this.#parts;
    const stored: Stored[] = [];
    for (const draft of drafts) {
      const same = await findSameStatements(store, draft.text);
      const exact = same.some(({ text }) => sameText(text, draft.text));
      const said = exact ? undefined : await this.#useSame(same, draft, onDuplicate);
      if (said !== undefined) {
        stored.push(said);
        continue;
      }
      const [added] = await store.add([draft], { leaseMs });
      if (added === undefined) throw new RangeError('the store returned no outcome');
      const [apart] = same;
      stored.push(apart === undefined || exact ? added : withTwin(added, apart, draft));
    }
    return stored;
  }

  /** Uses a memory in place of the draft; undefined when no memory can stand for it. */
  async #useSame(
    memories: readonly Memory[],
    draft: MemoryDraft,
    onDuplicate: 'skip' | 'supersede',
  ): Promise<Stored | undefined> {
    const { store } = this.#parts;
    if (onDuplicate === 'skip') {
      const twin = findTwin(memories, draft);
      if (twin === undefined) return undefined;
      const { patch, gained } = twin.plan;
      const written = gained.length === 0 ? twin : await store.update(twin.memory.id, patch);
      return { memory: written.memory, outcome: 'skipped', gained, same: twin.memory };
    }
    const open = memories.filter(({ conflict }) => !conflict);
    const twin = findTwin(open, identityOf(draft));
    if (twin === undefined) return undefined;
    const written = await store.update(twin.memory.id, supersedingPatch(draft));
    return { ...written, outcome: 'superseded', gained: [], same: twin.memory };
  }

  /**
   * Other live memories that resemble the stored one, best first. Undefined when the model cannot tell; the call does
   * not fail then, because the memory is stored already.
   */
  async #similarTo(
    { memory, outcome, same }: Stored,
    chunks: readonly EmbeddedChunk[] | undefined,
  ): Promise<SimilarMemory[] | undefined> {
    if (outcome === 'existing') return [];
    const { embedder, backfill } = this.#parts;
    try {
      if (same !== undefined) {
        const { reads } = calibrationFor((await embedder.modelId()).modelId);
        const { id, text } = same;
        return [{ id, text, similarity: reads(text) ? 1 : null }];
      }
      const [first] = chunks ?? [];
      if (first === undefined) return undefined;
      const embedded = { text: memory.text, vector: first.vector, end: first.end };
      return await findSimilar(this.#parts, embedded, { limit: MAX_SIMILAR, except: memory.id });
    } catch (error) {
      backfill.note(error);
      return undefined;
    }
  }
}

/** A text that has no vector yet. */
function newText({ outcome, versionKey, memory: { id, text } }: Stored): PendingEmbedding[] {
  const isNew = outcome === 'added' || outcome === 'superseded';
  return isNew && versionKey !== undefined ? [{ versionKey, id, text }] : [];
}

function sameText(a: string, b: string): boolean {
  return a.normalize('NFC').trim() === b.normalize('NFC').trim();
}

/** The fields that must be equal for a draft to supersede a memory: its project and its source. */
function identityOf({ source, metadata }: MemoryDraft): Pick<MemoryDraft, 'tags' | 'source' | 'metadata'> {
  const { project } = metadata;
  return { tags: [], source, metadata: project === undefined ? {} : { project } };
}

/** Replaces the text, and adds the new tags and metadata to those of the memory. */
function supersedingPatch({ text, tags, source, metadata }: MemoryDraft): MemoryPatch {
  return { text, addTags: tags, mergeMetadata: metadata, ...(source === '' ? {} : { source }) };
}

function withTwin(added: AddOutcome, memory: Memory, draft: MemoryDraft): Stored {
  const plan = planTwin(memory, draft);
  if (added.outcome === 'existing' || plan.joins) return added;
  return { ...added, twin: { id: memory.id, differs: plan.differs } };
}

/** Time that a check for novelty waits for a model that is still loading. */
const MODEL_WAIT_MS = 20_000;
/** Number of nearest memories that are compared, because the nearest one need not be the one that says the same. */
const LOOKED_AT = 5;

export interface NoveltyParts {
  readonly store: MemoryStore;
  readonly embedder: Embedder;
}

/**
 * Compares a text with all live memories. A rewording counts as the same only when the model reads the language and
 * has seen the whole of both texts.
 * @param threshold similarity from which a rewording counts as the same, 0 to 1
 * @throws EmbeddingUnavailableError
 */
export async function checkNovelty(
  { store, embedder }: NoveltyParts,
  text: string,
  threshold: number,
): Promise<NoveltyResult> {
  // A memory that was added a moment ago may have no vector yet, so the texts are compared first.
  const same = (await store.findByText(text)) ?? (await findSameStatements(store, text))[0];
  if (same !== undefined) {
    const { reads } = calibrationFor((await embedder.modelId()).modelId);
    const similarity = reads(text) ? 1 : null;
    return { novel: false, threshold, nearest: { id: same.id, text: same.text, similarity } };
  }
  const chunks = await settleWithin(embedder.embedPassage(text), MODEL_WAIT_MS);
  const [first] = chunks ?? [];
  if (first === undefined) {
    throw new EmbeddingUnavailableError('The embedding model is still loading', {
      fix: 'Try again in a moment.',
      retryable: true,
    });
  }
  const embedded = { text, vector: first.vector, end: first.end };
  const similar = await findSimilar({ store, embedder }, embedded, { limit: LOOKED_AT, atLeast: -1 });
  const known = similar.find((memory) => saysTheSame(memory, { text, threshold }));
  return { novel: known === undefined, threshold, nearest: known ?? similar[0] ?? null };
}

function saysTheSame(
  { similarity, text: other }: SimilarMemory,
  { text, threshold }: { readonly text: string; readonly threshold: number },
): boolean {
  return similarity !== null && similarity >= threshold && mayReword(text, other);
}
