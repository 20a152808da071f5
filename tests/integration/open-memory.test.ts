import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  ConfigurationError,
  InvalidInputError,
  type Logger,
  type LogLevel,
  NotFoundError,
  openMemory,
  type OpenFolder,
  type OpenFolderOptions,
  type OpenMemory,
  type OpenStoreOptions,
  StoreUnavailableError,
  SyncOffError,
} from 'faiss-memory';
import { FakeEmbedder, temporaryStore } from 'faiss-memory/testing';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { temporaryFolder } from '../helpers/sqlite-store.ts';

function open(options: Partial<OpenFolderOptions> = {}): OpenFolder {
  const memory = openMemory({ dataDir: temporaryFolder(), embedder: new FakeEmbedder(), ...options });
  onTestFinished(() => memory.close());
  return memory;
}

function openTemporary(options: Partial<OpenStoreOptions> = {}): OpenMemory {
  const memory = openMemory({ store: temporaryStore(), embedder: new FakeEmbedder(), ...options });
  onTestFinished(() => memory.close());
  return memory;
}

async function addOne(memory: OpenMemory, text: string): Promise<string> {
  const [added] = await memory.add({ memories: [{ text }] });
  return added?.memory.id ?? '';
}

/** Keeps what it is told. */
function recorder(): Pick<Logger, LogLevel> & { readonly events: string[] } {
  const events: string[] = [];
  const note = (event: string): void => {
    events.push(event);
  };
  return { events, debug: note, info: note, warn: note, error: note };
}

describe('memories in a folder', () => {
  test('are remembered, found by meaning, changed with their history, deleted and brought back', async () => {
    const memory = open();
    const id = await addOne(memory, 'the heron nests at the harbour');
    await addOne(memory, 'tea is in the left cupboard');
    await memory.reembed();
    const { hits, mode } = await memory.search({ query: 'heron harbour', mode: 'vector', limit: 1 });
    expect([mode, hits[0]?.memory.id]).toEqual(['vector', id]);
    await memory.update({ id, text: 'the heron nests at the lake' });
    expect((await memory.history(id)).map(({ role, text }) => [role, text])).toEqual([
      ['current', 'the heron nests at the lake'],
      ['replaced', 'the heron nests at the harbour'],
    ]);
    await memory.delete({ ids: [id] });
    expect((await memory.list()).total).toBe(1);
    await memory.restore([id]);
    expect((await memory.stats()).live).toBe(2);
    await expect(memory.history('no-such-id')).rejects.toBeInstanceOf(NotFoundError);
  });

  test('have backups and a remote', async () => {
    const remote = temporaryFolder();
    const settings = { sync: { enabled: true, provider: 'folder', bucket: remote, mode: 'merge' } } as const;
    const here = open({ settings });
    await addOne(here, 'written here');
    await here.sync.push();
    expect((await here.backup.list()).length).toBeGreaterThan(0);
    const there = open({ settings });
    await there.sync.pull();
    expect((await there.list()).memories.map(({ text }) => text)).toEqual(['written here']);
    await expect(open().sync.push()).rejects.toBeInstanceOf(SyncOffError);
  });

  test('are shared by two that are open at once', async () => {
    const dataDir = temporaryFolder();
    const [one, other] = [open({ dataDir }), open({ dataDir })];
    const id = await addOne(one, 'known to both');
    expect((await other.search({ query: 'known' })).hits.map((hit) => hit.memory.id)).toEqual([id]);
  });

  test('touch nothing before the first call, and end with the block', async () => {
    const dataDir = join(temporaryFolder(), 'new');
    let left: OpenMemory;
    {
      await using memory = openMemory({ dataDir, embedder: new FakeEmbedder() });
      expect(existsSync(dataDir)).toBe(false);
      await addOne(memory, 'once');
      left = memory;
    }
    expect(readdirSync(dataDir)).toContain('memory.sqlite');
    await left.close();
    await expect(left.list()).rejects.toBeInstanceOf(StoreUnavailableError);
  });

  test('say with the first call why a folder cannot be used', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    await expect(open({ dataDir: file }).stats()).rejects.toThrow(
      `${join(file, 'memory.sqlite')} cannot be opened`,
    );
  });
});

describe('what is configured', () => {
  test('comes from the options and from nothing else', async () => {
    process.env['MEMORY_PROJECT'] = 'of the surroundings';
    onTestFinished(() => {
      delete process.env['MEMORY_PROJECT'];
    });
    const projectOf = async (memory: OpenMemory): Promise<unknown> => {
      const [added] = await memory.add({ memories: [{ text: 'belongs to a project' }] });
      return added?.memory.metadata['project'];
    };
    expect(await projectOf(openTemporary())).toBeUndefined();
    expect(await projectOf(openTemporary({ env: process.env }))).toBe('of the surroundings');
    const settings = { project: 'own' };
    expect(await projectOf(openTemporary({ env: process.env, settings }))).toBe('own');
  });

  test.each([
    [{}, 'dataDir is undefined; give the path of a folder'],
    [{ dataDir: '' }, 'dataDir is ""; give the path of a folder'],
    [{ dataDir: 5 }, 'dataDir is 5; give the path of a folder'],
    [{ dataDir: 'x', embeder: {} }, 'embeder is no option of openMemory; did you mean embedder?'],
    [{ dataDir: 'x', store: temporaryStore }, 'store is given beside dataDir; allowed is one of them'],
    [{ dataDir: 'x', settings: 'trashDays' }, 'settings is "trashDays"; give an object as in config.json'],
    [{ dataDir: 'x', modelWaitMs: -1 }, 'modelWaitMs is -1; give milliseconds, 0 or more'],
    [{ dataDir: 'x', embedder: { modelId: () => '' } }, 'embedder has no method warmUp, embedQuery'],
    [{ store: 5 }, 'store has no method add, import, get'],
  ])('refuses %j', (options, message) => {
    const openUnchecked = openMemory as (options: unknown) => OpenMemory;
    expect(() => openUnchecked(options)).toThrow(message);
    expect(() => openUnchecked(options)).toThrow(InvalidInputError);
  });

  test('is refused as a whole, with every problem', () => {
    const settings = { trashDays: -1, embedding: { provider: 'none' }, sync: { enabled: true } } as const;
    const openWrong = (): OpenMemory => openMemory({ dataDir: 'x', settings });
    expect(openWrong).toThrow(ConfigurationError);
    expect(openWrong).toThrow('trashDays is -1 (option settings); allowed is a number from 0 to 36500');
  });

  test('switches embeddings off', async () => {
    const memory = openTemporary({ embedder: undefined, settings: { embedding: { provider: 'none' } } });
    await addOne(memory, 'found by words');
    expect(await memory.search({ query: 'words' })).toMatchObject({ mode: 'keyword', hits: [{}] });
  });
});

test('an embedder that fails leaves search by words, and is closed with the memory', async () => {
  const embedder = new FakeEmbedder();
  let closed = 0;
  embedder.close = () => {
    closed += 1;
    return Promise.resolve();
  };
  embedder.failure = new Error('the service is down');
  const memory = openTemporary({ embedder });
  await addOne(memory, 'still found');
  const { mode, hits, note } = await memory.search({ query: 'found' });
  expect([mode, hits.length]).toEqual(['keyword', 1]);
  expect(note).toContain('The embedder failed: the service is down');
  await memory.close();
  await memory.close();
  expect(closed).toBe(1);
});

test('the trash of a store of its own is emptied while it is open, unless the background is off', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const ages: number[] = [];
  const watched = (): ReturnType<typeof temporaryStore> => {
    const store = temporaryStore();
    store.expireTrash = (olderThanMs) => {
      ages.push(olderThanMs);
      return Promise.resolve(0);
    };
    return store;
  };
  openTemporary({ store: watched(), background: false });
  vi.advanceTimersByTime(3_600_000);
  expect(ages).toEqual([]);
  const memory = openTemporary({ store: watched(), settings: { trashDays: 2 } });
  vi.advanceTimersByTime(2 * 3_600_000);
  expect(ages).toEqual([2, 2, 2].map((days) => days * 86_400_000));
  await memory.close();
  vi.advanceTimersByTime(3_600_000);
  expect(ages).toHaveLength(3);
});

test('a store of its own is closed with the memory, and temporary ones leave nothing', async () => {
  const store = temporaryStore();
  const memory = openTemporary({ store });
  await addOne(memory, 'gone soon');
  await memory.close();
  await expect(store.stats()).rejects.toBeInstanceOf(StoreUnavailableError);
});

test('a logger gets the entries, and what it throws disturbs nothing', async () => {
  const logger = recorder();
  const settings = {
    sync: { enabled: true, provider: 'folder', bucket: temporaryFolder() },
  } as const;
  const memory = open({ logger, settings });
  await addOne(memory, 'told');
  await memory.sync.push();
  expect(logger.events).toContain('object store');
  const broken = (): never => {
    throw new Error('the disk of the log is full');
  };
  const other = open({ logger: { debug: broken, info: broken, warn: broken, error: broken }, settings });
  await addOne(other, 'not told');
  await expect(other.sync.push()).resolves.toMatchObject({ outcome: 'pushed' });
});
