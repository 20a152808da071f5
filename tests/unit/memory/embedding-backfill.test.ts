import { expect, onTestFinished, test } from 'vitest';
import type { Urgency } from '../../../src/embedding/embedder.ts';
import { FakeEmbedder } from '../../../src/embedding/fake-embedder.ts';
import { EmbeddingBackfill } from '../../../src/memory/embedding-backfill.ts';
import { openSqliteStore, temporaryFolder } from '../../helpers/sqlite-store.ts';

class NotingEmbedder extends FakeEmbedder {
  readonly urgencies = new Map<string, Urgency | undefined>();

  override embedPassage(text: string, _signal?: AbortSignal, urgency?: Urgency) {
    this.urgencies.set(text, urgency);
    return super.embedPassage(text);
  }
}

test('only texts that no user waits for are background work', async () => {
  const store = openSqliteStore(temporaryFolder());
  const embedder = new NotingEmbedder();
  const backfill = new EmbeddingBackfill(store, embedder);
  onTestFinished(async () => {
    await backfill.close();
    await store.close();
  });
  const add = async (text: string) => {
    const [outcome] = await store.add([{ text, tags: [], source: '', metadata: {} }]);
    return { id: outcome?.memory.id ?? '', versionKey: outcome?.versionKey ?? 0, text };
  };
  await backfill.embedNow([await add('just added')]);
  await add('left behind');
  await backfill.run();
  await add('written by another process');
  backfill.wake();
  await expect.poll(() => embedder.urgencies.size).toBe(3);
  expect([...embedder.urgencies]).toEqual([
    ['just added', undefined],
    ['left behind', undefined],
    ['written by another process', 'background'],
  ]);
});
