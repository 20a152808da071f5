import { describe, expect, test } from 'vitest';
import { FakeEmbedder } from '../../../src/embedding/fake-embedder.ts';
import { MemoryService } from '../../../src/memory/memory-service.ts';
import { createSecretScanner } from '../../../src/secrets/create-secret-scanner.ts';
import { openSqliteStore, temporaryFolder } from '../../helpers/sqlite-store.ts';

/** Gives a token vector for each word; words with the same first letter have the same one. */
class TokenEmbedder extends FakeEmbedder {
  readonly tokenSpace = 'first letters';

  async embedQueryTokens(text: string) {
    return { vector: await this.embedQuery(text), tokens: letterTokens(text) };
  }

  override async embedPassage(text: string) {
    const chunks = await super.embedPassage(text);
    return chunks.map((chunk) => ({ ...chunk, tokens: letterTokens(text) }));
  }
}

function letterTokens(text: string) {
  const letters = text
    .toLowerCase()
    .split(' ')
    .map((word) => word.charCodeAt(0) - 96);
  const vectors = letters.flatMap((letter) => Array.from({ length: 32 }, (_, i) => (i === letter ? 1 : 0)));
  return { pieces: Int32Array.from(letters), dimension: 32, vectors: Float32Array.from(vectors) };
}

const RULES = {
  scanner: createSecretScanner(),
  secrets: 'mask',
  textLimit: 100_000,
  defaultProject: '',
} as const;

describe('token vectors', () => {
  test('are not compared with a query in a language that the model does not read', async () => {
    const store = openSqliteStore(temporaryFolder());
    const embedder = new TokenEmbedder({ modelId: 'e5-small-v2-int8' });
    const service = new MemoryService({ store, embedder, rules: RULES, now: Date.now, modelWaitMs: 20 });
    try {
      await service.add({ memories: [{ text: 'zebra coat' }, { text: 'lemon tree' }] });
      await service.reembed();
      expect((await service.search({ query: 'where is the zoo' })).bestTokenMatch).not.toBeNull();
      expect((await service.search({ query: 'wo ist der zoo' })).bestTokenMatch).toBeNull();
    } finally {
      await service.close();
      await store.close();
    }
  });

  test('are made for memories from before, and then rank by single words in hybrid search only', async () => {
    const store = openSqliteStore(temporaryFolder());
    const open = (embedder: FakeEmbedder) =>
      new MemoryService({
        store,
        embedder,
        rules: RULES,
        now: Date.now,
        modelWaitMs: 20,
      });
    const [without, withTokens] = [open(new FakeEmbedder()), open(new TokenEmbedder())];
    try {
      await without.add({
        memories: [{ text: 'zebra coat' }, { text: 'lemon tree' }, { text: 'lemon cake' }],
      });
      await without.reembed();
      expect((await without.search({ query: 'lemon zoo' })).bestTokenMatch).toBeNull();
      await withTokens.reembed();
      expect((await withTokens.stats()).embedding).toMatchObject({ pending: 0, withoutTokens: 0, done: 3 });
      const found = await withTokens.search({ query: 'zoo cat' });
      expect(found.bestTokenMatch).toBeCloseTo(1, 4);
      // The nearest by its whole vector is another one; half of the score comes from the words.
      const carried = found.hits.filter(({ bySingleWords }) => bySingleWords);
      expect(carried.map(({ memory, score }) => [memory.text, score >= 0.5])).toEqual([['zebra coat', true]]);
      for (const mode of ['vector', 'keyword'] as const) {
        const plain = await withTokens.search({ query: 'zoo lemon', mode });
        expect(plain.bestTokenMatch).toBeNull();
        expect(plain.hits.some(({ bySingleWords }) => bySingleWords)).toBe(false);
      }
    } finally {
      await without.close();
      await withTokens.close();
      await store.close();
    }
  });
});
