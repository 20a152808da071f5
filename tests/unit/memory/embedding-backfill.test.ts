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
  const added = await add('just added');
  await backfill.storeNow([added], await backfill.embedNow([added.text]));
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

test('texts go on being embedded while the vectors of others are committed, in groups', async () => {
  const store = openSqliteStore(temporaryFolder());
  const embedder = new NotingEmbedder();
  const drafts = Array.from({ length: 40 }, (_, index) => ({ text: `text ${index}` }));
  await store.add(drafts.map((draft) => ({ ...draft, tags: [], source: '', metadata: {} })));
  const groups: { readonly size: number; readonly seenBefore: number; readonly seenAfter: number }[] = [];
  const watched = Object.create(store) as typeof store;
  watched.claimPendingEmbeddings = (request) => store.claimPendingEmbeddings(request);
  watched.keepTokenVectors = (kept) => store.keepTokenVectors(kept);
  watched.putEmbeddings = async (modelId, writes) => {
    const seenBefore = embedder.urgencies.size;
    if (groups.length === 0) await expect.poll(() => embedder.urgencies.size).toBe(40);
    groups.push({ size: writes.length, seenBefore, seenAfter: embedder.urgencies.size });
    return store.putEmbeddings(modelId, writes);
  };
  const backfill = new EmbeddingBackfill(watched, embedder);
  onTestFinished(async () => {
    await backfill.close();
    await store.close();
  });
  expect(await backfill.run()).toBe(40);
  expect(groups[0]?.seenBefore).toBeLessThan(40);
  expect(groups[0]?.seenAfter).toBe(40);
  expect(groups.length).toBeLessThan(8);
  expect(groups.reduce((sum, { size }) => sum + size, 0)).toBe(40);
  expect((await store.stats(await embedder.modelId())).embedded).toBe(40);
});

test('vectors that were made before an abortion are kept', async () => {
  const store = openSqliteStore(temporaryFolder());
  const embedder = new NotingEmbedder();
  const drafts = Array.from({ length: 10 }, (_, index) => ({ text: `text ${index}` }));
  await store.add(drafts.map((draft) => ({ ...draft, tags: [], source: '', metadata: {} })));
  const backfill = new EmbeddingBackfill(store, embedder);
  onTestFinished(async () => {
    await backfill.close();
    await store.close();
  });
  const stop = new AbortController();
  const run = backfill.run({
    signal: stop.signal,
    onBatch: (done) => {
      if (done === 5) stop.abort();
    },
  });
  await expect(run).rejects.toThrow('abort');
  const { embedded } = await store.stats(await embedder.modelId());
  expect(embedded).toBeGreaterThanOrEqual(5);
  expect(embedded).toBeLessThan(10);
  // Nothing of it is leased any more.
  expect(await backfill.run()).toBe(10 - embedded);
});

test('searches look for memories of other processes once in a while, and at once for one that was left', async () => {
  const store = openSqliteStore(temporaryFolder());
  const embedder = new NotingEmbedder();
  let looks = 0;
  let counts = 0;
  const watched = Object.create(store) as typeof store;
  watched.keepTokenVectors = (kept) => store.keepTokenVectors(kept);
  watched.putEmbeddings = (modelId, writes) => store.putEmbeddings(modelId, writes);
  watched.claimPendingEmbeddings = (request) => {
    looks += 1;
    return store.claimPendingEmbeddings(request);
  };
  watched.stats = (modelId) => {
    counts += 1;
    return store.stats(modelId);
  };
  const backfill = new EmbeddingBackfill(watched, embedder);
  onTestFinished(async () => {
    await backfill.close();
    await store.close();
  });
  const add = (text: string) => store.add([{ text, tags: [], source: '', metadata: {} }]);
  await add('first');
  backfill.wakeAfterSearch();
  await expect.poll(() => looks).toBe(2);
  await expect.poll(() => backfill.busy).toBe(false);
  for (let search = 0; search < 20; search += 1) backfill.wakeAfterSearch();
  expect(backfill.busy).toBe(false);
  await add('second');
  backfill.noteLeft();
  backfill.wakeAfterSearch();
  await expect.poll(() => embedder.urgencies.has('second')).toBe(true);
  expect(counts).toBe(1);
});
