import { expect, onTestFinished, test } from 'vitest';
import { createApp } from '../../src/app/app.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import { FakeEmbedder } from '../../src/embedding/fake-embedder.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';

test('a search is prepared once, when there is something to search', async () => {
  const folder = temporaryFolder();
  const place = { homeDirectory: folder, workingDirectory: folder, platform: 'linux' as const };
  const { settings } = resolveConfig({ ...place, env: { MEMORY_DATA_DIR: folder } });
  const embedder = new FakeEmbedder();
  embedder.ready = false;
  const app = await createApp(settings, { embedder });
  onTestFinished(() => app.close());
  const loads = (): number => embedder.calls.filter((call) => call === 'warm-up').length;
  app.prepareSearch();
  // The store answers in turn, so the first look is over.
  await app.store.stats();
  await app.memory.add({ memories: [{ text: 'Ada likes tea' }] });
  const looks: number[] = [];
  const look = app.store.best.bind(app.store);
  app.store.best = async (request) => {
    const found = await look(request);
    looks.push(found.vectors);
    return found;
  };
  expect(loads()).toBe(0);
  app.prepareSearch();
  app.prepareSearch();
  await expect.poll(loads).toBe(1);
  // The vectors were read: there is one, and a search has ended.
  await expect.poll(() => looks).toEqual([1]);
  embedder.ready = true;
  app.prepareSearch();
  await app.store.stats();
  expect(loads()).toBe(1);
  expect(looks).toEqual([1]);
});

test('vectors of very many memories are not read ahead', async () => {
  const folder = temporaryFolder();
  const place = { homeDirectory: folder, workingDirectory: folder, platform: 'linux' as const };
  const { settings } = resolveConfig({ ...place, env: { MEMORY_DATA_DIR: folder } });
  const app = await createApp(settings, { embedder: new FakeEmbedder() });
  onTestFinished(() => app.close());
  await app.memory.add({ memories: [{ text: 'Ada likes tea' }] });
  const stats = await app.store.stats();
  app.store.stats = () => Promise.resolve({ ...stats, live: 20_001 });
  const searched: boolean[] = [];
  const search = app.store.best.bind(app.store);
  app.store.best = (request) => {
    searched.push(request.vector !== undefined);
    return search(request);
  };
  app.prepareSearch();
  await expect.poll(() => searched).toEqual([false]);
});
