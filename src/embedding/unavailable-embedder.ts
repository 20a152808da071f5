import { EmbeddingUnavailableError } from '../errors/embedding-errors.ts';
import type { Embedder, ModelStamp } from './embedder.ts';

/** No embedder at all: search works by words. */
export class UnavailableEmbedder implements Embedder {
  readonly ready = true;

  stamp(): Promise<ModelStamp> {
    return this.#refuse();
  }

  warmUp(): Promise<void> {
    return this.#refuse();
  }

  embedQuery(): Promise<never> {
    return this.#refuse();
  }

  embedPassage(): Promise<never> {
    return this.#refuse();
  }

  describe(): Record<string, string> {
    return { provider: 'none' };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #refuse(): Promise<never> {
    return Promise.reject(
      new EmbeddingUnavailableError('Embeddings are switched off', {
        retryable: false,
        fix: 'Set MEMORY_EMBEDDING_PROVIDER=bundled to search by meaning.',
      }),
    );
  }
}
