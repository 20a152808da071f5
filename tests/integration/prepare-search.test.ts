import { expect, onTestFinished, test } from 'vitest';
import { createApp } from '../../src/app/app.ts';
import { FakeEmbedder } from '../../src/embedding/fake-embedder.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { settingsIn } from '../helpers/settings.ts';

test('a search is prepared once, when there is something to search', async () => {
  const embedder = new FakeEmbedder();
  embedder.ready = false;
  const app = await createApp(settingsIn(temporaryFolder()), { embedder });
  onTestFinished(() => app.close());
  const loads = (): number => embedder.calls.filter((call) => call === 'warm-up').length;
  app.prepareSearch();
  // The store answers in turn, so the first look is over.
  await app.store.stats();
  await app.memory.add({ memories: [{ text: 'Ada likes tea' }] });
  const looks: number[] = [];
  const look = app.store.candidates.bind(app.store);
  app.store.candidates = async (request) => {
    const lists = await look(request);
    looks.push(lists.vectors.length);
    return lists;
  };
  expect(loads()).toBe(0);
  app.prepareSearch();
  app.prepareSearch();
  await expect.poll(loads).toBe(1);
  // The vectors were read: there is one, and the search for it has ended.
  await expect.poll(() => looks).toEqual([1]);
  // An endpoint would be sent a text that nobody asked about.
  expect(embedder.calls.filter((call) => call.startsWith('query'))).toEqual([]);
  embedder.ready = true;
  app.prepareSearch();
  await app.store.stats();
  expect(loads()).toBe(1);
  expect(looks).toEqual([1]);
});

test('vectors of very many memories are not read ahead', async () => {
  const embedder = new FakeEmbedder();
  const app = await createApp(settingsIn(temporaryFolder()), { embedder });
  onTestFinished(() => app.close());
  await app.memory.add({ memories: [{ text: 'Ada likes tea' }] });
  const stats = await app.store.stats();
  app.store.stats = () => Promise.resolve({ ...stats, live: 20_001 });
  const searched: string[] = [];
  const { store } = app;
  const [best, candidates] = [store.best.bind(store), store.candidates.bind(store)];
  app.store.best = (request) => {
    searched.push(request.vector === undefined ? 'words' : 'vectors');
    return best(request);
  };
  app.store.candidates = (request) => {
    searched.push('vectors ahead');
    return candidates(request);
  };
  app.prepareSearch();
  await expect.poll(() => embedder.calls).toContain('warm-up');
  await expect.poll(() => searched).toEqual(['words']);
  // It is over when it may begin again.
  embedder.ready = false;
  await expect
    .poll(() => {
      app.prepareSearch();
      return embedder.calls.filter((call) => call === 'warm-up').length;
    })
    .toBeGreaterThan(1);
  expect(new Set(searched)).toEqual(new Set(['words']));
});

test('the search ahead is not beside those that come while the model loads', async () => {
  const embedder = new FakeEmbedder();
  let load = (): void => undefined;
  const loading = new Promise<void>((resolve) => (load = resolve));
  const app = await createApp(settingsIn(temporaryFolder()), { embedder });
  onTestFinished(() => app.close());
  await app.memory.add({ memories: [{ text: 'Ada likes tea' }] });
  const { store } = app;
  const best = store.best.bind(store);
  let searches = 0;
  app.store.best = (request) => {
    searches += 1;
    return best(request);
  };
  let begun = false;
  embedder.warmUp = () => {
    begun = true;
    return loading;
  };
  app.prepareSearch();
  await expect.poll(() => begun).toBe(true);
  await app.memory.search({ query: 'tea', mode: 'keyword' });
  expect(searches).toBe(1);
  load();
  await expect.poll(() => searches).toBe(2);
});

test('without a model the code of a search is compiled all the same, once', async () => {
  const app = await createApp(settingsIn(temporaryFolder(), { MEMORY_EMBEDDING_PROVIDER: 'none' }));
  onTestFinished(() => app.close());
  await app.memory.add({ memories: [{ text: 'Ada likes tea' }] });
  let searches = 0;
  const { store } = app;
  const [best, stats] = [store.best.bind(store), store.stats.bind(store)];
  app.store.best = (request) => {
    searches += 1;
    return best(request);
  };
  let looks = 0;
  app.store.stats = (modelId) => {
    looks += 1;
    return stats(modelId);
  };
  await expect
    .poll(() => {
      app.prepareSearch();
      return looks;
    })
    .toBeGreaterThan(2);
  await expect.poll(() => searches).toBe(1);
});
