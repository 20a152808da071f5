import { afterEach, beforeEach, expect, test } from 'vitest';
import { answerSearch, searchFromServer } from '../../src/app/search-from-server.ts';
import type { Settings } from '../../src/config/schema.ts';
import { FakeEmbedder } from '../../src/embedding/fake-embedder.ts';
import { SharedEmbedder } from '../../src/embedding/shared/shared-embedder.ts';
import type { MemoryService } from '../../src/memory/memory-service.ts';
import type { SqliteMemoryStore } from '../../src/store/sqlite/sqlite-memory-store.ts';
import { memoryServiceOn } from '../helpers/memory-service.ts';
import { settingsIn } from '../helpers/settings.ts';
import { openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';

let dataDir: string;
let store: SqliteMemoryStore;
let own: FakeEmbedder;
let embedder: SharedEmbedder;
let service: MemoryService;

/** The settings of a process of the data folder. */
function settingsWith(env: Readonly<Record<string, string>> = {}): Settings {
  return settingsIn(dataDir, { MEMORY_TIME_ZONE: 'Europe/Berlin', ...env });
}

beforeEach(async () => {
  dataDir = temporaryFolder();
  store = openSqliteStore(dataDir);
  own = new FakeEmbedder();
  const settings = settingsWith();
  embedder = new SharedEmbedder({
    dataDir,
    createOwn: () => own,
    responders: {
      recall: () => Promise.resolve(''),
      search: (asked) => answerSearch(service, settings, asked),
    },
  });
  service = memoryServiceOn({ store, embedder });
  await service.add({
    memories: [{ text: 'red green blue', tags: ['colours'] }, { text: 'one two three' }],
    waitForModel: true,
  });
  await service.search({ query: 'makes this process the one with the model', mode: 'vector' });
});
afterEach(async () => {
  await service.close();
  await embedder.close();
  await store.close();
});

test('another process gets the same answer as the one that searches', async () => {
  const filter = { tags: ['colours'] };
  for (const request of [
    { query: 'green blue' },
    { query: 'red', mode: 'keyword', limit: 1 },
    { query: 'blue', mode: 'vector', filter, currentProject: null },
  ] as const) {
    const expected = await service.search(request);
    expect(expected.hits.length).toBeGreaterThan(0);
    expect(await searchFromServer(settingsWith(), request)).toEqual(expected);
  }
});

test('a process searches by itself when the settings differ, or the other has no model yet', async () => {
  const request = { query: 'green blue' };
  for (const env of [
    { MEMORY_TIME_ZONE: 'Asia/Tokyo' },
    { MEMORY_PROJECT: 'other' },
    { MEMORY_TOKEN_VECTORS: 'false' },
    { MEMORY_EMBEDDING_SHARED: 'false' },
    { MEMORY_TEAM: 'true' },
    { MEMORY_DATA_DIR: temporaryFolder() },
  ])
    expect(await searchFromServer(settingsWith(env), request), JSON.stringify(env)).toBeUndefined();
  // Settings that change no answer.
  const same = settingsWith({ MEMORY_EMBEDDING_THREADS: '1', MEMORY_LOG_LEVEL: 'error' });
  expect((await searchFromServer(same, request))?.mode).toBe('hybrid');
  own.ready = false;
  expect(await searchFromServer(same, request)).toBeUndefined();
  expect((await searchFromServer(same, { ...request, mode: 'keyword' }))?.mode).toBe('keyword');
});

test('a process searches by itself when the search fails, and meets the error itself', async () => {
  expect(await searchFromServer(settingsWith(), { query: 'red', limit: 1_000 })).toBeUndefined();
  expect(await searchFromServer(settingsWith(), { query: '' })).toBeUndefined();
});

test('a request that is none has no answer', async () => {
  expect(await answerSearch(service, settingsWith(), '{}')).toBe('');
  await expect(answerSearch(service, settingsWith(), 'no JSON')).rejects.toThrow(SyntaxError);
});
