import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Embedder } from '../../../src/embedding/embedder.ts';
import { FakeEmbedder } from '../../../src/embedding/fake-embedder.ts';
import type { MemoryService } from '../../../src/memory/memory-service.ts';
import type { SqliteMemoryStore } from '../../../src/store/sqlite/sqlite-memory-store.ts';
import { memoryServiceOn } from '../../helpers/memory-service.ts';
import { openSqliteStore, temporaryFolder } from '../../helpers/sqlite-store.ts';

let embedder: FakeEmbedder;
let store: SqliteMemoryStore;
let service: MemoryService;

beforeEach(() => {
  embedder = new FakeEmbedder();
  store = openSqliteStore(temporaryFolder());
  service = memoryServiceOn({ store, embedder });
});
afterEach(async () => {
  await service.close();
  await store.close();
});

test('commits twice, and nobody else embeds the same text meanwhile', async () => {
  const modelId = await embedder.modelId();
  await service.add({ memories: [{ text: 'the model is ready' }] });
  const embed = embedder.embedPassage.bind(embedder);
  const claimed: string[] = [];
  let commits = 0;
  const put = store.putEmbeddings.bind(store);
  store.putEmbeddings = (...parameters) => {
    commits += 1;
    return put(...parameters);
  };
  embedder.embedPassage = async (text) => {
    const pending = await store.claimPendingEmbeddings({ modelId, limit: 10, leaseMs: 0 });
    claimed.push(...pending.map((one) => one.text));
    return embed(text);
  };
  const results = await service.add({
    memories: ['one two', 'three four', 'five six'].map((text) => ({ text })),
  });
  expect(results.every(({ similarChecked }) => similarChecked)).toBe(true);
  expect({ commits, claimed }).toEqual({ commits: 1, claimed: [] });
  expect((await service.stats()).embedding.pending).toBe(0);
});

test('embeds a text while it is being stored, when the model is loaded', async () => {
  const stored = store.add.bind(store);
  const seen: boolean[] = [];
  store.add = (...parameters) => {
    seen.push(embedder.calls.some((call) => call === `passage: ${parameters[0][0]?.text ?? ''}`));
    return stored(...parameters);
  };
  await service.add({ memories: [{ text: 'at the same time' }] });
  embedder.ready = false;
  await service.add({ memories: [{ text: 'no model for what may be known' }], waitForModel: true });
  expect(seen).toEqual([true, false]);
  expect((await service.stats()).embedding.pending).toBe(0);
});

test('stops embedding what turns out to be known, or cannot be stored', async () => {
  await service.add({ memories: [{ text: 'known' }] });
  const signals: (AbortSignal | undefined)[] = [];
  embedder.embedPassage = (...[, signal]: Parameters<Embedder['embedPassage']>) => {
    signals.push(signal);
    return new Promise((_, reject) => {
      signal?.addEventListener('abort', () => {
        reject(new Error('aborted'));
      });
    });
  };
  const [again] = await service.add({ memories: [{ text: 'known' }] });
  expect(again?.outcome).toBe('existing');
  const failure = new Error('disk full');
  store.add = () => Promise.reject(failure);
  await expect(service.add({ memories: [{ text: 'not stored' }] })).rejects.toBe(failure);
  expect(signals.map((signal) => signal?.aborted)).toEqual([true, true]);
  expect((await service.stats()).embedding).toMatchObject({ pending: 0, problem: '' });
});

test('the few new ones of many texts are embedded at once, and no known one is', async () => {
  const known = ['one', 'two', 'three', 'four', 'five'];
  await service.add({ memories: known.map((text) => ({ text })) });
  await service.reembed();
  for (const [ready, text] of [
    [true, 'six'],
    [false, 'seven'],
  ] as const) {
    embedder.ready = ready;
    embedder.calls.length = 0;
    const memories = [...known, text].map((one) => ({ text: one }));
    const results = await service.add({ memories, waitForModel: true });
    expect(results.at(-1)).toMatchObject({ outcome: 'added', similarChecked: true });
    expect(embedder.calls).toEqual([`passage: ${text}`]);
  }
});
