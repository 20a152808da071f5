import { setTimeout as sleep } from 'node:timers/promises';
import type { EmbeddedChunk, Embedder, EmbeddingModelId } from '../embedding/embedder.ts';
import type { EmbeddingWrite, MemoryStore, PendingEmbedding } from '../store/memory-store.ts';
import type { ReembedProgress } from './memory-api.ts';
import { packTokens } from '../embedding/late-interaction.ts';
import { encodeVector, quantize } from '../embedding/quantization.ts';
import { reasonOf } from '../util/caught.ts';

/** Longer than the slowest runtime needs for a usual batch. When a lease ends too early, texts are embedded twice. */
const LEASE_MS = 60_000;
/** Claimed at once as long as it is not known how long one takes, and by work that goes on beside requests. */
const BATCH = 4;
const LARGEST_BATCH = 64;
/** Work that is claimed at once when nothing else is to be done. */
const CLAIM_MS = 2_000;
/** Texts that are with the embedder at the same time, so that it waits neither for claims nor for commits. */
const LANES = 3;
/** Vectors are committed in groups: a commit takes as long for thirty as for one. */
const GROUP_CHUNKS = 32;
const GROUP_MS = 250;
const FIRST_RETRY_MS = 30_000;
const LONGEST_RETRY_MS = 600_000;
/** The first moments of a process belong to the requests of its client. */
const START_DELAY_MS = 1_000;
/** Interval at which memories written by other processes are looked for; a look reads one row. */
const LOOK_EVERY_MS = 10_000;
/** Searches cause a look too, at most one in this time: they may come by the hundred, and nothing may wait. */
const LOOK_AFTER_SEARCH_MS = 1_000;
/** Pause between two memories, so that background work does not take a whole core from other programs. */
const PAUSE_MS = 10;
const LEASED_ELSEWHERE_MS = 200;

interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onBatch?: (done: number) => void;
  /** Lets everything else come first, and pauses between two memories. */
  readonly gently?: boolean | undefined;
}

/** The chunks of each text. */
export type EmbeddedTexts = ReadonlyMap<string, readonly EmbeddedChunk[]>;

/**
 * Embeds memories without a vector of the current model: new memories, memories that a dead process left behind, and
 * all memories after a change of the model. Until then search finds these memories by words only.
 */
export class EmbeddingBackfill {
  readonly #store: MemoryStore;
  readonly #embedder: Embedder;
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retryAfterMs = FIRST_RETRY_MS;
  #look: NodeJS.Timeout | undefined;
  /** Moving average of the time for one memory. */
  #itemMs: number | undefined;
  #wokenAgain = false;
  /** When all that was pending had been embedded; -Infinity = something was left for later since then. */
  #emptiedAt = -Infinity;
  #hasMemories = false;
  #problem = '';
  #tokensDecided: Promise<void> | undefined;
  /** All claimed memories have their vectors, and only get token vectors. */
  #tokensOnly = false;

  constructor(store: MemoryStore, embedder: Embedder) {
    this.#store = store;
    this.#embedder = embedder;
  }

  /** Last failure of the embedder; empty = no failure since the last success. */
  get problem(): string {
    return this.#problem;
  }

  /** True in a process that looks for pending memories by itself. */
  get isStarted(): boolean {
    return this.#look !== undefined;
  }

  /** True while this process embeds memories without vectors in the background. */
  get busy(): boolean {
    return this.#running !== undefined && !this.#tokensOnly;
  }

  /** Estimated seconds until nothing is pending; undefined while this process does not embed or has not measured. */
  secondsLeft(pending: number): number | undefined {
    if (this.#running === undefined || this.#itemMs === undefined || pending === 0) return undefined;
    return Math.ceil((pending * this.#itemMs) / 1_000);
  }

  /**
   * For long-lived processes: keeps embedding pending memories, including those that other processes write. Loads no
   * model and asks no endpoint while the store is empty. Idempotent.
   */
  start(): void {
    if (this.#closing.signal.aborted || this.#look !== undefined) return;
    const look = (): void => {
      this.#look = setTimeout(look, LOOK_EVERY_MS).unref();
      if (this.#running === undefined && this.#retry === undefined) this.wake();
    };
    this.#look = setTimeout(look, START_DELAY_MS).unref();
  }

  /** Starts to embed pending memories in the background; never throws. */
  wake(): void {
    if (this.#closing.signal.aborted) return;
    if (this.#running !== undefined) {
      this.#wokenAgain = true;
      return;
    }
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#running = this.#drain().finally(() => {
      this.#running = undefined;
      if (!this.#wokenAgain) return;
      this.#wokenAgain = false;
      this.wake();
    });
  }

  /** A search is a sign of use, and new memories of other processes are found soon after one. */
  wakeAfterSearch(): void {
    if (performance.now() - this.#emptiedAt >= LOOK_AFTER_SEARCH_MS) this.wake();
  }

  /** Tells that a memory was stored whose vector is left for later. */
  noteLeft(): void {
    this.#emptiedAt = -Infinity;
  }

  async #drain(): Promise<void> {
    try {
      // An empty store asks no endpoint for its dimension.
      this.#hasMemories ||= (await this.#store.stats()).live > 0;
      if (!this.#hasMemories) return;
      const start = performance.now();
      await this.run({ signal: this.#closing.signal, gently: true });
      this.#emptiedAt = start;
      this.#retryAfterMs = FIRST_RETRY_MS;
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      this.note(error);
      this.#wokenAgain = false;
      this.#retry = setTimeout(() => {
        this.#retry = undefined;
        this.wake();
      }, this.#retryAfterMs).unref();
      this.#retryAfterMs = Math.min(2 * this.#retryAfterMs, LONGEST_RETRY_MS);
    }
  }

  /** Embeds until every pending memory is leased by another process. @returns how many. Rejects with the embedder's error */
  async run({ signal, onBatch, gently = false }: RunOptions = {}): Promise<number> {
    const modelId = await this.#embedder.modelId();
    await this.#decideTokens();
    const claimed: PendingEmbedding[] = [];
    const begun = new Set<PendingEmbedding>();
    const group = new VectorGroup(this.#store, modelId);
    let claiming: Promise<boolean> | undefined;
    let done = 0;
    let last = performance.now();
    let ended = false;
    const lane = async (): Promise<void> => {
      while (!ended) {
        signal?.throwIfAborted();
        const item = claimed.shift();
        if (item === undefined) {
          claiming ??= this.#claim(claimed, modelId, gently).finally(() => (claiming = undefined));
          if (!(await claiming)) return;
          continue;
        }
        begun.add(item);
        await group.add(item.versionKey, await this.#vectorsOf(item.text, { signal, gently }));
        begun.delete(item);
        this.noteSuccess();
        if (gently) await sleep(PAUSE_MS, undefined, { signal });
        this.#measure(performance.now() - last);
        last = performance.now();
        done += 1;
        onBatch?.(done);
      }
    };
    const lanes = Array.from({ length: gently ? 1 : LANES }, () => lane().finally(() => (ended = true)));
    const outcomes = await Promise.allSettled(lanes);
    await group.flush();
    const left = [...claimed, ...begun].map(({ versionKey }) => versionKey);
    if (left.length > 0) await this.#store.releasePendingEmbeddings(modelId, left);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    return done;
  }

  /** @returns false when there was nothing to claim */
  async #claim(claimed: PendingEmbedding[], modelId: EmbeddingModelId, gently: boolean): Promise<boolean> {
    const fitting = gently || this.#itemMs === undefined ? BATCH : Math.floor(CLAIM_MS / this.#itemMs);
    const pending = await this.#store.claimPendingEmbeddings({
      modelId,
      limit: Math.max(BATCH, Math.min(LARGEST_BATCH, fitting)),
      leaseMs: LEASE_MS,
      tokenVectors: this.#embedder.tokenSpace !== undefined,
    });
    claimed.push(...pending);
    if (pending.length > 0) this.#tokensOnly = pending.every(({ tokensOnly }) => tokensOnly === true);
    return pending.length > 0;
  }

  /** Once a process: the store keeps the token vectors of this embedder, or none when it gives none. */
  #decideTokens(): Promise<void> {
    this.#tokensDecided ??= this.#keepTokens().catch((error: unknown) => {
      this.#tokensDecided = undefined;
      throw error;
    });
    return this.#tokensDecided;
  }

  async #keepTokens(): Promise<void> {
    const { tokenSpace: name } = this.#embedder;
    const modelId = await this.#embedder.modelId();
    await this.#store.keepTokenVectors(name === undefined ? null : { modelId, name });
  }

  /** The latest texts count most, because their length and the load of the machine vary. */
  #measure(milliseconds: number): void {
    const before = this.#itemMs ?? milliseconds;
    this.#itemMs = before + (milliseconds - before) / 20;
  }

  /** Embeds these texts now, before all other pending ones. @returns the chunks of each text */
  async embedNow(texts: readonly string[], signal?: AbortSignal): Promise<EmbeddedTexts> {
    const chunks = new Map<string, readonly EmbeddedChunk[]>();
    for (const text of texts)
      if (!chunks.has(text)) chunks.set(text, await this.#embedder.embedPassage(text, signal));
    this.noteSuccess();
    return chunks;
  }

  /** Stores the vectors of these texts in one commit, even when another process has leased them. */
  async storeNow(items: readonly PendingEmbedding[], embedded: EmbeddedTexts): Promise<void> {
    const modelId = await this.#embedder.modelId();
    await this.#decideTokens();
    const writes = items.flatMap(({ versionKey, text }) => {
      const chunks = embedded.get(text);
      return chunks === undefined ? [] : [encoded(versionKey, chunks)];
    });
    await this.#store.putEmbeddings(modelId, writes);
  }

  #vectorsOf(
    text: string,
    { signal, gently }: Pick<RunOptions, 'signal' | 'gently'>,
  ): Promise<EmbeddedChunk[]> {
    return this.#embedder.embedPassage(text, signal, gently === true ? 'background' : undefined);
  }

  /** Forgets the last failure, because the embedder works again. */
  noteSuccess(): void {
    this.#problem = '';
  }

  /** Remembers a failure for status. */
  note(error: unknown): void {
    this.#problem = reasonOf(error);
  }

  /** Remembers that a call went on without the embedder, which may still be trying. */
  noteSlow(waitedMs: number): void {
    const { lastFailure } = this.#embedder;
    const { endpoint } = this.#embedder.describe();
    const subject = endpoint === undefined ? 'The embedding model' : `The embedding endpoint ${endpoint}`;
    this.#problem = lastFailure ?? `${subject} did not answer within ${waitedMs / 1_000} s`;
  }

  /** Embeds all that is pending, and waits for the versions that other processes have leased. */
  async reembed(
    onProgress: (progress: ReembedProgress) => void,
    signal?: AbortSignal,
  ): Promise<ReembedProgress> {
    const total = await this.#pending();
    const report = (done: number): void => {
      onProgress({ done: Math.min(done, total), total });
    };
    report(0);
    for (let before = 0; ;) {
      await this.run({
        ...(signal === undefined ? {} : { signal }),
        onBatch: (count) => {
          report(before + count);
        },
      });
      await this.#running;
      const left = await this.#pending();
      before = Math.max(0, total - left);
      report(before);
      if (left === 0) return { done: total, total };
      await sleep(LEASED_ELSEWHERE_MS, undefined, signal === undefined ? {} : { signal });
    }
  }

  async #pending(): Promise<number> {
    await this.#decideTokens();
    const { live, embedded, withoutTokens } = await this.#store.stats(await this.#embedder.modelId());
    return live - embedded + withoutTokens;
  }

  /** Stops after the current text; the other memories stay pending in the store. */
  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#retry);
    clearTimeout(this.#look);
    await this.#running;
  }
}

/** Vectors that wait to be committed together. */
class VectorGroup {
  readonly #store: MemoryStore;
  readonly #modelId: EmbeddingModelId;
  #waiting: EmbeddingWrite[] = [];
  #chunks = 0;
  #since = 0;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(store: MemoryStore, modelId: EmbeddingModelId) {
    this.#store = store;
    this.#modelId = modelId;
  }

  /** Begins to write a full group, and waits only for the group before. @throws its error */
  async add(versionKey: number, chunks: readonly EmbeddedChunk[]): Promise<void> {
    if (this.#waiting.length === 0) this.#since = performance.now();
    this.#waiting.push(encoded(versionKey, chunks));
    this.#chunks += chunks.length;
    if (this.#chunks < GROUP_CHUNKS && performance.now() - this.#since < GROUP_MS) return;
    await this.#writing;
    this.#write();
  }

  async flush(): Promise<void> {
    await this.#writing;
    this.#write();
    await this.#writing;
  }

  #write(): void {
    if (this.#waiting.length === 0) return;
    this.#writing = this.#store.putEmbeddings(this.#modelId, this.#waiting);
    this.#writing.catch(() => undefined); // The next call reports it.
    this.#waiting = [];
    this.#chunks = 0;
  }
}

/** The vectors of a text as the store keeps them. */
function encoded(versionKey: number, chunks: readonly EmbeddedChunk[]): EmbeddingWrite {
  return {
    versionKey,
    chunks: chunks.map(({ start, end, vector, tokens }) => ({
      start,
      end,
      vector: encodeVector(quantize(vector)),
      ...(tokens === undefined ? {} : { tokens: { pieces: tokens.pieces, vectors: packTokens(tokens) } }),
    })),
  };
}
