import {
  chunkText,
  estimateTokens,
  type EmbeddedChunk,
  type Embedder,
  type EmbeddingModelId,
} from 'faiss-memory';

/** Letters that follow each other; a vector counts all pairs of them. */
const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789 ';

/** An embedder of one's own: two texts are alike when they have many pairs of letters in common. */
export class LetterEmbedder implements Embedder {
  readonly ready = true;

  modelId(): Promise<EmbeddingModelId> {
    // Vectors are compared only with vectors of the same model: give it another name whenever its vectors change.
    return Promise.resolve({ modelId: 'letter-pairs-1', dimension: LETTERS.length ** 2, weightsHash: '' });
  }

  warmUp(): Promise<void> {
    return Promise.resolve();
  }

  embedQuery(text: string): Promise<Float32Array> {
    return Promise.resolve(countPairs(text));
  }

  embedPassage(text: string): Promise<EmbeddedChunk[]> {
    const chunks = chunkText(text, { countTokens: estimateTokens });
    return Promise.resolve(
      chunks.map(({ start, end }) => ({ start, end, vector: countPairs(text.slice(start, end)) })),
    );
  }

  describe(): Record<string, string> {
    return { provider: 'letters' };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** A unit vector, as the port asks for. */
function countPairs(text: string): Float32Array {
  const counts = new Float32Array(LETTERS.length ** 2);
  const places = Array.from(text.toLowerCase())
    .map((letter) => LETTERS.indexOf(letter))
    .filter((place) => place >= 0);
  places.slice(1).forEach((second, index) => {
    const pair = (places[index] ?? 0) * LETTERS.length + second;
    counts[pair] = (counts[pair] ?? 0) + 1;
  });
  const length = Math.hypot(...counts);
  return length === 0 ? counts.fill(1 / LETTERS.length) : counts.map((count) => count / length);
}
