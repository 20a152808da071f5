import type { Embedder } from '../embedding/embedder.ts';
import { EmbeddingUnavailableError } from '../errors/embedding-unavailable-error.ts';
import type { MemoryStore } from '../store/memory-store.ts';
import { settleWithin } from '../util/settle-within.ts';
import { calibrationFor } from './calibration.ts';
import type { NoveltyResult, SimilarMemory } from './memory-api.ts';

/** How long a call waits for a model that is loading. */
const MODEL_WAIT_MS = 20_000;

export interface NoveltyParts {
  readonly store: MemoryStore;
  readonly embedder: Embedder;
}

/**
 * Compares the beginning of a text, as far as one chunk of the model goes, with all live memories.
 * @param threshold similarity from which the text is not new
 */
export async function checkNovelty(
  { store, embedder }: NoveltyParts,
  text: string,
  threshold: number,
): Promise<NoveltyResult> {
  // What was added a moment ago may have no vector yet.
  const same = await store.findByText(text);
  if (same !== null)
    return { novel: false, threshold, nearest: { id: same.id, text: same.text, similarity: 1 } };
  const chunks = await settleWithin(embedder.embedPassage(text), MODEL_WAIT_MS);
  const vector = chunks?.[0]?.vector;
  if (vector === undefined) {
    throw new EmbeddingUnavailableError('The embedding model is still loading', {
      fix: 'Try again in a moment.',
      retryable: true,
    });
  }
  const stamp = await embedder.stamp();
  const { vectors } = await store.candidates({ filter: {}, limit: 1, vector: { stamp, vector } });
  const [best] = vectors;
  const [memory] = best === undefined ? [] : await store.getCurrent([best.id]);
  const nearest: SimilarMemory | null =
    best === undefined || memory === undefined
      ? null
      : {
          id: memory.id,
          text: memory.text,
          similarity: calibrationFor(stamp.modelId).similarity(best.score),
        };
  return { novel: nearest === null || nearest.similarity < threshold, threshold, nearest };
}
