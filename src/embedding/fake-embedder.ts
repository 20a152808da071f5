import { createHash } from 'node:crypto';
import type { EmbeddedChunk, Embedder, EmbeddingModelId } from './embedder.ts';

/**
 * A deterministic embedder for tests. The vector of a text is the sum of one pseudo-random direction per word, so
 * texts with common words are similar. Records its calls and fails on demand.
 */
export class FakeEmbedder implements Embedder {
  ready = true;
  /** When set, every call rejects with this error. */
  failure: Error | undefined;
  /** The recorded calls in order: `warm-up`, `query: …` or `passage: …`. */
  readonly calls: string[] = [];
  readonly #modelId: EmbeddingModelId;

  constructor(modelId: Partial<EmbeddingModelId> = {}) {
    this.#modelId = { modelId: 'fake', dimension: 64, weightsHash: '', ...modelId };
  }

  modelId(): Promise<EmbeddingModelId> {
    return Promise.resolve(this.#modelId);
  }

  async warmUp(): Promise<void> {
    await this.#answer('warm-up');
  }

  async embedQuery(text: string): Promise<Float32Array> {
    await this.#answer(`query: ${text}`);
    return this.#vector(text);
  }

  async embedPassage(text: string): Promise<EmbeddedChunk[]> {
    await this.#answer(`passage: ${text}`);
    return [{ start: 0, end: text.length, vector: this.#vector(text) }];
  }

  describe(): Record<string, string> {
    return { provider: 'fake' };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #answer(call: string): Promise<void> {
    this.calls.push(call);
    return this.failure === undefined ? Promise.resolve() : Promise.reject(this.failure);
  }

  #vector(text: string): Float32Array {
    const sum = new Float32Array(this.#modelId.dimension);
    for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}]+/gu)) {
      const bytes = createHash('sha256').update(`${this.#modelId.modelId} ${word}`).digest();
      sum.forEach((value, i) => {
        sum[i] = value + ((bytes[i % bytes.length] ?? 0) ^ ((i * 37) & 255)) / 127.5 - 1;
      });
    }
    const norm = Math.hypot(...sum);
    return norm === 0 ? sum.fill(1 / Math.sqrt(sum.length)) : sum.map((value) => value / norm);
  }
}
