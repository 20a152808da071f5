import type { Embedder } from '../embedding/embedder.ts';
import { EmbeddingUnavailableError } from '../errors/embedding-errors.ts';
import type { MemoryStore } from '../store/memory-store.ts';
import { settleWithin } from '../util/concurrency.ts';
import { calibrationFor } from './calibration.ts';
import { findSameStatements, findSimilar } from './find-similar.ts';
import type { NoveltyResult, SimilarMemory } from './memory-api.ts';
import { mayReword } from './same-statement.ts';

/** How long a call waits for a model that is loading. */
const MODEL_WAIT_MS = 20_000;
/** Memories looked at: the nearest need not be the one that says the same. */
const LOOKED_AT = 5;

export interface NoveltyParts {
  readonly store: MemoryStore;
  readonly embedder: Embedder;
}

/**
 * Compares a text with all live memories. Another wording counts as the same only where the model reads the
 * language and has seen the whole of both texts.
 * @param threshold similarity from which a text may not be new
 */
export async function checkNovelty(
  { store, embedder }: NoveltyParts,
  text: string,
  threshold: number,
): Promise<NoveltyResult> {
  // What was added a moment ago may have no vector yet.
  const same = (await store.findByText(text)) ?? (await findSameStatements(store, text))[0];
  if (same !== undefined) {
    const { reads } = calibrationFor((await embedder.stamp()).modelId);
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
