import { EmbeddingUnavailableError } from '../errors/embedding-errors.ts';
import type { EmbeddedChunk, EmbeddedQuery, Embedder, EmbeddingModelId, Urgency } from './embedder.ts';

/** Texts that the first model has at once before the second one helps: one runs, and one waits. */
const ENOUGH = 2;

type QueryingEmbedder = Embedder & Required<Pick<Embedder, 'embedQueryTokens'>>;

/**
 * Two embedders of one model, for users who give two cores to imports. The first one has all queries, so that these still
 * come before all texts, and each text that comes alone; the second one helps while more texts come than the first one
 * can begin, and its model is loaded then. Which of them embeds a text makes no difference to its vectors.
 */
export class EmbedderPair implements QueryingEmbedder {
  readonly #first: QueryingEmbedder;
  readonly #second: Embedder;
  readonly #running = new Map<Embedder, number>();

  constructor(first: QueryingEmbedder, second: Embedder) {
    this.#first = first;
    this.#second = second;
  }

  modelId(): Promise<EmbeddingModelId> {
    return this.#first.modelId();
  }

  get ready(): boolean {
    return this.#first.ready;
  }

  get tokenSpace(): string | undefined {
    return this.#first.tokenSpace;
  }

  warmUp(): Promise<void> {
    return this.#first.warmUp();
  }

  embedQuery(text: string, signal?: AbortSignal): Promise<Float32Array> {
    return this.#first.embedQuery(text, signal);
  }

  embedQueryTokens(text: string, signal?: AbortSignal): Promise<EmbeddedQuery> {
    return this.#first.embedQueryTokens(text, signal);
  }

  async embedPassage(text: string, signal?: AbortSignal, urgency?: Urgency): Promise<EmbeddedChunk[]> {
    const helps =
      urgency === undefined && this.#count(this.#first) >= ENOUGH && this.#count(this.#second) < ENOUGH;
    if (!helps) return this.#counted(this.#first, (first) => first.embedPassage(text, signal, urgency));
    try {
      return await this.#counted(this.#second, (second) => second.embedPassage(text, signal));
    } catch (error) {
      // It may lack the memory for a model of its own; the first one reports faults of the model itself.
      if (!(error instanceof EmbeddingUnavailableError)) throw error;
      return this.#first.embedPassage(text, signal);
    }
  }

  describe(): Record<string, string | number | boolean> {
    return { ...this.#first.describe(), secondModel: true };
  }

  async close(): Promise<void> {
    await Promise.all([this.#first.close(), this.#second.close()]);
  }

  #count(embedder: Embedder): number {
    return this.#running.get(embedder) ?? 0;
  }

  async #counted<Result>(embedder: Embedder, work: (embedder: Embedder) => Promise<Result>): Promise<Result> {
    this.#running.set(embedder, this.#count(embedder) + 1);
    try {
      return await work(embedder);
    } finally {
      this.#running.set(embedder, this.#count(embedder) - 1);
    }
  }
}
