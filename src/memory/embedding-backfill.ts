import { setTimeout as sleep } from 'node:timers/promises';
import type { EmbeddedChunk, Embedder, ModelStamp } from '../embedding/embedder.ts';
import type { MemoryStore, PendingEmbedding } from '../store/memory-store.ts';
import type { ReembedProgress } from './memory-api.ts';
import { encodeVector, quantize } from './quantization.ts';

/** Longer than a batch of usual texts takes on the slowest runtime; what ends too early is only embedded twice. */
const LEASE_MS = 60_000;
const BATCH = 4;
const RETRY_AFTER_MS = 30_000;
const LEASED_ELSEWHERE_MS = 200;

/**
 * Gives memories the vectors they lack: those just added, those another process left behind when it died, and
 * all of them after a change of the model. Search works meanwhile, by words for what is not done.
 */
export class EmbeddingBackfill {
  readonly #store: MemoryStore;
  readonly #embedder: Embedder;
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #wokenAgain = false;
  #problem = '';

  constructor(store: MemoryStore, embedder: Embedder) {
    this.#store = store;
    this.#embedder = embedder;
  }

  /** Last failure of the embedder; empty = none since the last success. */
  get problem(): string {
    return this.#problem;
  }

  /** True while memories wait for their vectors. */
  get busy(): boolean {
    return this.#running !== undefined;
  }

  /** Starts embedding in the background what is pending; never throws. */
  wake(): void {
    if (this.#closing.signal.aborted) return;
    if (this.#running !== undefined) {
      this.#wokenAgain = true;
      return;
    }
    clearTimeout(this.#retry);
    this.#running = this.#drain().finally(() => {
      this.#running = undefined;
      if (!this.#wokenAgain) return;
      this.#wokenAgain = false;
      this.wake();
    });
  }

  async #drain(): Promise<void> {
    try {
      await this.run({ signal: this.#closing.signal });
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      this.note(error);
      this.#wokenAgain = false;
      this.#retry = setTimeout(() => {
        this.wake();
      }, RETRY_AFTER_MS);
      this.#retry.unref();
    }
  }

  /** Embeds until nothing is pending that others have not leased. Rejects with the embedder's error. */
  async run(options: { signal?: AbortSignal; onBatch?: (done: number) => void } = {}): Promise<number> {
    const stamp = await this.#embedder.stamp();
    for (let done = 0; ; options.onBatch?.(done)) {
      options.signal?.throwIfAborted();
      const pending = await this.#store.claimPendingEmbeddings({ stamp, limit: BATCH, leaseMs: LEASE_MS });
      if (pending.length === 0) return done;
      for (const item of pending) await this.#embed(item, stamp, options.signal);
      done += pending.length;
    }
  }

  /**
   * Embeds these texts now, before all others that wait, and whoever has leased them.
   * @returns the chunks of each text, by memory id
   */
  async embedNow(
    items: readonly PendingEmbedding[],
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, readonly EmbeddedChunk[]>> {
    const stamp = await this.#embedder.stamp();
    const embedded = new Map<string, readonly EmbeddedChunk[]>();
    for (const item of items) embedded.set(item.id, await this.#embed(item, stamp, signal));
    return embedded;
  }

  async #embed(item: PendingEmbedding, stamp: ModelStamp, signal?: AbortSignal): Promise<EmbeddedChunk[]> {
    const chunks = await this.#embedder.embedPassage(item.text, signal);
    const encoded = chunks.map(({ start, end, vector }) => ({
      start,
      end,
      vector: encodeVector(quantize(vector)),
    }));
    await this.#store.putEmbeddings(stamp, [{ versionKey: item.versionKey, chunks: encoded }]);
    this.#problem = '';
    return chunks;
  }

  /** Remembers a failure for status. */
  note(error: unknown): void {
    this.#problem = error instanceof Error ? error.message : String(error);
  }

  /** Embeds all that is pending, and waits for what other processes have leased. */
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
    const { live, embedded } = await this.#store.stats(await this.#embedder.stamp());
    return live - embedded;
  }

  /** Stops after the text under way; what is not done stays pending in the store. */
  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#retry);
    await this.#running;
  }
}
