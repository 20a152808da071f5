import { expect, test } from 'vitest';
import type { EmbeddedChunk, EmbeddedQuery } from '../../../src/embedding/embedder.ts';
import { EmbedderPair } from '../../../src/embedding/embedder-pair.ts';
import { FakeEmbedder } from '../../../src/embedding/fake-embedder.ts';
import { EmbeddingUnavailableError } from '../../../src/errors/embedding-errors.ts';

/** Answers a passage when the test says so. */
class HeldEmbedder extends FakeEmbedder {
  readonly #release: (() => void)[] = [];

  override async embedPassage(text: string): Promise<EmbeddedChunk[]> {
    const held = new Promise<void>((resolve) => this.#release.push(resolve));
    const answer = super.embedPassage(text);
    answer.catch(() => undefined);
    await held;
    return answer;
  }

  async embedQueryTokens(text: string): Promise<EmbeddedQuery> {
    const tokens = { pieces: new Int32Array(), dimension: 2, vectors: new Float32Array() };
    return { vector: await this.embedQuery(text), tokens };
  }

  releaseAll(): void {
    for (const resolve of this.#release.splice(0)) resolve();
  }
}

const pair = () => {
  const [first, second] = [new HeldEmbedder(), new HeldEmbedder()];
  return { first, second, both: new EmbedderPair(first, second) };
};
const passages = (...texts: string[]): string[] => texts.map((text) => `passage: ${text}`);

test('the second model helps only while one text runs and one waits', async () => {
  const { first, second, both } = pair();
  const texts = ['a', 'b', 'c', 'd', 'e'].map((text) => both.embedPassage(text));
  expect(first.calls).toEqual(passages('a', 'b', 'e'));
  expect(second.calls).toEqual(passages('c', 'd'));
  for (const embedder of [first, second]) embedder.releaseAll();
  await Promise.all(texts);
  const alone = both.embedPassage('f');
  expect(first.calls.at(-1)).toBe('passage: f');
  first.releaseAll();
  await alone;
});

test('queries and background texts are for the first model alone', async () => {
  const { first, second, both } = pair();
  const texts = ['a', 'b', 'c'].map((text) => both.embedPassage(text, undefined, 'background'));
  await both.embedQuery('q');
  await both.embedQueryTokens('r');
  first.releaseAll();
  await Promise.all(texts);
  expect(first.calls).toEqual([...passages('a', 'b', 'c'), 'query: q', 'query: r']);
  expect(second.calls).toEqual([]);
});

test('a text that the second model cannot take is embedded by the first one', async () => {
  const { first, second, both } = pair();
  second.failure = new EmbeddingUnavailableError('no memory');
  const texts = ['a', 'b', 'c'].map((text) => both.embedPassage(text));
  second.releaseAll();
  await expect.poll(() => first.calls).toEqual(passages('a', 'b', 'c'));
  first.releaseAll();
  expect((await Promise.all(texts)).map((chunks) => chunks.length)).toEqual([1, 1, 1]);
});
