import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { searchingElsewhere, sharedSearches } from '../../src/app/shared-searches.ts';
import type { Settings } from '../../src/config/schema.ts';
import { FakeEmbedder } from '../../src/embedding/fake-embedder.ts';
import type { SharedSearches } from '../../src/embedding/shared/protocol.ts';
import { SharedEmbedder } from '../../src/embedding/shared/shared-embedder.ts';
import { InvalidInputError } from '../../src/errors/input-errors.ts';
import type { SearchRequest } from '../../src/memory/memory-api.ts';
import type { MemoryService } from '../../src/memory/memory-service.ts';
import type { MemoryStore } from '../../src/store/memory-store.ts';
import { startWorkerStore } from '../../src/store/worker/client.ts';
import { memoryServiceOn } from '../helpers/memory-service.ts';
import { settingsIn } from '../helpers/settings.ts';
import { temporaryFolder } from '../helpers/sqlite-store.ts';

/** A process of the data folder; in this one, because neither the socket nor the threads know. */
interface Process {
  readonly embedder: SharedEmbedder;
  readonly service: MemoryService;
  readonly store: MemoryStore;
  /** Searches in threads of its own. */
  readonly searched: string[];
  readonly problems: unknown[];
  unused: number;
}

let dataDir: string;
let settings: Settings;
let host: Process;

function startProcess(change: (searches: SharedSearches) => SharedSearches = (same) => same): Process {
  const { memory } = startWorkerStore({ dataDir });
  const searches = change(sharedSearches(memory, settings));
  const embedder = new SharedEmbedder({ dataDir, createOwn: () => new FakeEmbedder(), searches });
  const searched: string[] = [];
  const own: MemoryStore = {
    ...memory,
    best: (request) => {
      searched.push(request.words ?? '');
      return memory.best(request);
    },
  };
  const store = searchingElsewhere(own, {
    find: () => embedder.otherSearches(),
    onUnused: () => {
      started.unused += 1;
    },
    onProblem: (error) => started.problems.push(error),
  });
  const service = memoryServiceOn({ store, embedder });
  const started: Process = { embedder, service, store, searched, problems: [], unused: 0 };
  onTestFinished(async () => {
    await embedder.close();
    await service.close();
    await memory.close();
  });
  return started;
}

async function hostWith(change?: (searches: SharedSearches) => SharedSearches): Promise<void> {
  host = startProcess(change);
  await host.service.search({ query: 'makes this process the one with the model', mode: 'vector' });
  host.searched.length = 0;
}

/** The texts that a process finds. */
async function find(
  { service }: Process,
  query: string,
  options: Partial<SearchRequest> = {},
): Promise<string[]> {
  return (await service.search({ query, ...options })).hits.map(({ memory }) => memory.text);
}

const REQUEST = {
  ...{ filter: {}, limit: 50, best: 5, standingsAt: 0, neighbours: false },
  ranking: {
    scale: { depth: 50, usualGap: null, trust: 1 },
    preference: { period: undefined, project: null },
  },
};
const ALL = ['red green blue', 'one two three', 'last week we met'];

beforeEach(async () => {
  dataDir = temporaryFolder();
  settings = settingsIn(dataDir);
  const writer = startProcess();
  // Members like those of the frames are data.
  const metadata = { $array: ['f32', 0, 9], nothing: null };
  await writer.service.add({ memories: ALL.map((text) => ({ text, metadata })), waitForModel: true });
  await writer.embedder.close();
});
afterEach(() => {
  vi.useRealTimers();
});

test('the process with the model searches for the others, which get what they would find', async () => {
  await hostWith();
  const other = startProcess();
  for (const query of ['green blue', 'what was last week', 'two', 'zebra']) {
    const expected = await host.service.search({ query });
    host.searched.length = 0;
    expect((await other.service.search({ query })).hits).toEqual(expected.hits);
    expect([host.searched, other.searched], query).toEqual([[], []]);
  }
  expect(other.unused).toBeGreaterThan(0);
});

test('a search sees what any process has just written', async () => {
  await hostWith();
  const [one, two] = [startProcess(), startProcess()];
  expect(await find(one, 'green')).toContain('red green blue');
  for (let round = 0; round < 15; round += 1) {
    const text = `written in round number${round}`;
    await one.service.add({ memories: [{ text }], wait: false });
    expect(await find(one, `number${round}`, { mode: 'keyword' })).toContain(text);
    expect(await find(two, `number${round}`, { mode: 'keyword' })).toContain(text);
  }
  expect([one.searched, two.searched]).toEqual([[], []]);
});

test.each<[string, number, (searches: SharedSearches) => SharedSearches]>([
  ['searches by other rules', 0, (searches) => ({ ...searches, rules: 'other' })],
  [
    'fails',
    1,
    (searches) => ({ ...searches, answer: () => Promise.reject(new InvalidInputError('a', 'b', 'c')) }),
  ],
  [
    'answers with something else',
    1,
    (searches) => ({ ...searches, answer: () => Promise.resolve(Uint8Array.of(1, 2, 3)) }),
  ],
  [
    'dies',
    1,
    (searches) => ({
      ...searches,
      answer: () => host.embedder.close().then(() => new Promise(() => undefined)),
    }),
  ],
])('a process searches itself when the other one %s', async (_, problems, change) => {
  await hostWith(change);
  const other = startProcess();
  expect(await find(other, 'green blue')).toEqual(await find(startProcess(), 'green blue'));
  expect(other.searched).toEqual(['green blue']);
  expect(other.unused).toBe(0);
  expect(other.problems).toHaveLength(problems);
});

test('a process searches itself when there is no other one, or no answer comes', async () => {
  const alone = startProcess();
  expect(await find(alone, 'green')).toContain('red green blue');
  expect(alone.searched).toEqual(['green']);
  const signals: (AbortSignal | undefined)[] = [];
  const answer: SharedSearches['answer'] = (_, signal) => {
    signals.push(signal);
    return new Promise(() => undefined);
  };
  const problems: unknown[] = [];
  const store = searchingElsewhere(alone.store, {
    find: () => Promise.resolve(answer),
    onUnused: () => undefined,
    onProblem: (error) => problems.push(error),
  });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const found = store.best({ ...REQUEST, words: 'green' });
  await vi.advanceTimersByTimeAsync(9_999);
  expect(signals.map((signal) => signal?.aborted)).toEqual([false]);
  await vi.advanceTimersByTimeAsync(1);
  expect(signals.map((signal) => signal?.aborted)).toEqual([true]);
  vi.useRealTimers();
  expect(problems).toEqual([new Error('no answer in 10000 ms')]);
  expect((await found).best.map(({ memory }) => memory.text)).toEqual(['red green blue']);
});

test('a question that nobody waits for any more is not answered', async () => {
  const asked: (() => void)[] = [];
  const answer = (): Promise<Uint8Array> =>
    new Promise((resolve) => {
      asked.push(() => {
        resolve(Uint8Array.of());
      });
    });
  await hostWith((searches) => ({ ...searches, answer }));
  const other = startProcess();
  await other.embedder.modelId();
  const ask = await other.embedder.otherSearches();
  const waiting = new AbortController();
  if (ask === undefined) throw new Error('there is no other process');
  const answers = [1, 2, 3].map((one) => ask(Uint8Array.of(one), waiting.signal));
  await vi.waitFor(() => {
    expect(asked).toHaveLength(2);
  });
  waiting.abort();
  expect((await Promise.allSettled(answers)).map(({ status }) => status)).toEqual(Array(3).fill('rejected'));
  // The other process has read what was sent before.
  await other.embedder.embedQuery('something else');
  const next = ask(Uint8Array.of(4));
  // It is answered after those before it.
  for (let ended = 0; ended < 3; ended += 1) {
    await vi.waitFor(() => {
      expect(asked.length).toBeGreaterThan(ended);
    });
    asked[ended]?.();
  }
  expect(await next).toEqual(Uint8Array.of());
  expect(asked).toHaveLength(3);
});

test('a process that searches much does it itself for a minute', async () => {
  await hostWith();
  const other = startProcess();
  await other.embedder.modelId();
  const start = performance.now();
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => start);
  const searchAt = async (milliseconds: number, times: number): Promise<void> => {
    clock.mockImplementation(() => start + milliseconds);
    const search = () => other.store.best({ ...REQUEST, words: 'green' });
    for (const { best } of await Promise.all(Array.from({ length: times }, search)))
      expect(best).toHaveLength(1);
  };
  await searchAt(0, 15);
  await searchAt(10_001, 20);
  expect([other.searched.length, other.unused]).toEqual([0, 35]);
  await searchAt(12_000, 3);
  expect([other.searched.length, other.unused]).toEqual([3, 35]);
  await searchAt(71_000, 2);
  expect([other.searched.length, other.unused]).toEqual([5, 35]);
  // What it has is kept for a minute more.
  await searchAt(72_001, 1);
  expect([other.searched.length, other.unused]).toEqual([5, 35]);
  await searchAt(131_001, 1);
  expect([other.searched.length, other.unused]).toEqual([5, 36]);
  clock.mockRestore();
});

test('many memories at once are read in the process that wants them', async () => {
  let asked = 0;
  await hostWith(({ rules, answer }) => ({
    rules,
    answer: (question) => {
      asked += 1;
      return answer(question);
    },
  }));
  const other = startProcess();
  await other.embedder.modelId();
  const { best } = await host.store.best({ ...REQUEST, words: 'green' });
  const ids = (count: number): string[] => Array<string>(count).fill(best[0]?.memory.id ?? '');
  expect(await other.store.getCurrent(ids(50))).toHaveLength(50);
  expect([asked, other.unused]).toEqual([1, 1]);
  expect(await other.store.getCurrent(ids(51))).toHaveLength(51);
  expect(asked).toBe(1);
  // The thread that has just read is kept.
  expect(await other.store.getCurrent(ids(1))).toHaveLength(1);
  expect([asked, other.unused]).toEqual([2, 1]);
});

test('a question that is none is refused', async () => {
  const { memory } = startWorkerStore({ dataDir });
  onTestFinished(() => memory.close());
  const { answer, rules } = sharedSearches(memory, settings);
  await expect(answer(Uint8Array.of(7, 7))).rejects.toThrow();
  const { serialize } = await import('node:v8');
  for (const asked of [['close'], ['purge', ['x']], 'best', null, []])
    await expect(answer(new Uint8Array(serialize(asked))), JSON.stringify(asked)).rejects.toThrow(
      /no method/,
    );
  expect((await memory.stats()).live).toBe(ALL.length);
  const otherDatabase = {
    MEMORY_STORE: 'postgres',
    MEMORY_DATABASE_URL: 'postgres://user:secret@localhost/x',
  };
  const rulesOf = (env: Readonly<Record<string, string>>): string =>
    sharedSearches(memory, settingsIn(dataDir, env)).rules;
  expect(rulesOf(otherDatabase)).not.toBe(rules);
  expect(rulesOf(otherDatabase)).not.toContain('secret');
  expect(rulesOf({ MEMORY_LOG_LEVEL: 'error' })).toBe(rules);
});
