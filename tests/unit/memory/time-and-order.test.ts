import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EmbeddingUnavailableError } from '../../../src/errors/embedding-errors.ts';
import { InvalidInputError, NotFoundError } from '../../../src/errors/input-errors.ts';
import { FakeEmbedder } from '../../../src/embedding/fake-embedder.ts';
import type { AddInput } from '../../../src/memory/memory-api.ts';
import type { MemoryService } from '../../../src/memory/memory-service.ts';
import type { SqliteMemoryStore } from '../../../src/store/sqlite/sqlite-memory-store.ts';
import { TimeZone } from '../../../src/util/time-zone.ts';
import { memoryServiceOn } from '../../helpers/memory-service.ts';
import { openSqliteStore, temporaryFolder } from '../../helpers/sqlite-store.ts';

/** A Wednesday noon in Berlin. */
const NOON = Date.parse('2026-03-18T11:00:00Z');
const DAY_MS = 86_400_000;

let now: number;
let embedder: FakeEmbedder;
let store: SqliteMemoryStore;
let service: MemoryService;

beforeEach(() => {
  now = NOON;
  store = openSqliteStore(temporaryFolder(), { now: () => now });
  embedder = new FakeEmbedder();
  service = memoryServiceOn({ store, embedder, now: () => now, timeZone: new TimeZone('Europe/Berlin') });
});
afterEach(async () => {
  await service.close();
  await store.close();
});

async function add(memory: AddInput): Promise<string> {
  const [result] = await service.add({ memories: [memory] });
  return result?.memory.id ?? '';
}

/** Hits by words only: the vectors of the fake model say nothing. */
function withoutModel(): void {
  embedder.ready = false;
  embedder.failure = new EmbeddingUnavailableError('no model');
}

async function found(query: string, asOf?: string): Promise<string[]> {
  const { hits } = await service.search({ query, limit: 20, asOf });
  return hits.map(({ memory }) => memory.text);
}

describe('occurred_at and expires', () => {
  test.each([
    [{ occurredAt: '2026-01-31' }, { occurred_at: '2026-01-30T23:00:00.000Z' }],
    [{ occurredAt: '2026-01-31T12:00:00Z' }, { occurred_at: '2026-01-31T12:00:00.000Z' }],
    [{ occurredAt: '3d' }, { occurred_at: '2026-03-14T23:00:00.000Z' }],
    [{ occurredAt: '2h' }, { occurred_at: '2026-03-18T09:00:00.000Z' }],
    // To the end of the day, after the change of clocks on 29 March.
    [{ expires: '2026-03-31' }, { expires: '2026-03-31T22:00:00.000Z' }],
    [{ expires: '30d' }, { expires: '2026-04-17T22:00:00.000Z' }],
    [{ expires: '9999-12-31' }, { expires: '9999-12-31T23:00:00.000Z' }],
    [{ pinned: false }, {}],
  ])('%j is kept as %j', async (stated, metadata) => {
    const id = await add({ text: 'The oven is hot', ...stated });
    const [memory] = await service.get([id]);
    expect(memory?.metadata).toEqual(metadata);
  });

  test('what metadata say themselves stays as it is', async () => {
    const id = await add({ text: 'The oven is hot', metadata: { occurred_at: 'long ago' } });
    expect((await service.get([id]))[0]?.metadata).toEqual({ occurred_at: 'long ago' });
  });

  test('what is no time, or is over already, is refused', async () => {
    await expect(add({ text: 'x', occurredAt: '31 January' })).rejects.toThrow(/2026-01-31.*or an age/);
    await expect(add({ text: 'x', expires: '2026-03-17' })).rejects.toThrow(InvalidInputError);
    await expect(service.add({ memories: [{ text: 'a' }, { text: 'b', expires: 'soon' }] })).rejects.toThrow(
      /memories\[1\]\.expires/,
    );
  });

  test('an expired fact leaves the search, and stays in lists and in the history', async () => {
    const id = await add({ text: 'The oven is hot', expires: '2h' });
    expect(await found('oven')).toEqual(['The oven is hot']);
    now += 2 * 3_600_000;
    expect(await found('oven')).toEqual([]);
    expect((await service.list({})).total).toBe(1);
    expect(await service.get([id])).toHaveLength(1);
    // It was not over an hour ago.
    expect(await found('oven', '1h')).toEqual(['The oven is hot']);
  });

  test('an update changes them, ends a fact at once, and null in the metadata removes them', async () => {
    const id = await add({ text: 'The oven is hot', pinned: true, expires: '30d' });
    const ended = await service.update({ id, expires: '0m', pinned: false });
    expect(ended.memory.metadata).toEqual({ expires: '2026-03-18T11:00:00.000Z' });
    expect(await found('oven')).toEqual([]);
    await service.update({ id, metadata: { expires: null } });
    expect(await found('oven')).toEqual(['The oven is hot']);
  });
});

describe('a period in the query', () => {
  test('prefers its memories, in the zone, and says so; no other is left out', async () => {
    withoutModel();
    await add({ text: 'We met Ada about the wall', occurredAt: '2026-03-10' });
    // Of equal ones, the newer comes first.
    await add({ text: 'We met Ada about the roof', occurredAt: '2026-02-02' });
    const { hits, period } = await service.search({ query: 'meeting Ada about the house last week' });
    expect(hits.map(({ memory, inPeriod }) => [memory.text, inPeriod])).toEqual([
      ['We met Ada about the wall', true],
      ['We met Ada about the roof', false],
    ]);
    expect(period).toEqual({
      phrase: 'last week',
      start: Date.parse('2026-03-08T23:00:00Z'),
      end: Date.parse('2026-03-15T23:00:00Z') - 1,
    });
  });

  test('brings in what better matches of other times would crowd out', async () => {
    now = NOON - 8 * DAY_MS;
    await add({ text: 'The invoice of Ada came, among much else that came in that week' });
    now = NOON;
    const others = Array.from({ length: 60 }, (_, index) => ({ text: `invoice ${index} of Ada` }));
    await service.add({ memories: others });
    const { hits } = await service.search({ query: 'invoice of Ada last week', limit: 100 });
    expect(hits.some(({ inPeriod }) => inPeriod)).toBe(true);
  });

  test('counts in no search by words or by meaning alone', async () => {
    await add({ text: 'We met Ada about the wall', occurredAt: '2026-03-10' });
    const byWords = await service.search({ query: 'Ada last week', mode: 'keyword' });
    expect(byWords.period).toBeUndefined();
    expect(byWords.hits[0]?.inPeriod).toBe(false);
  });
});

describe('as of a time', () => {
  test('search and get show the version of then', async () => {
    const id = await add({ text: 'Staging runs on port 8443' });
    now += 10 * DAY_MS;
    await service.update({ id, text: 'Staging runs on port 9000' });
    const later = await add({ text: 'Staging runs in Gdansk' });
    now += DAY_MS;
    expect(await found('staging', '2026-03-20')).toEqual(['Staging runs on port 8443']);
    expect(new Set(await found('staging', '2026-03-28'))).toEqual(
      new Set(['Staging runs on port 9000', 'Staging runs in Gdansk']),
    );
    const then = await service.getAsOf([id, later], '2026-03-20');
    expect(then.memories.map(({ text }) => text)).toEqual(['Staging runs on port 8443']);
    expect(then).toMatchObject({
      absent: [later],
      forgotten: [],
      time: Date.parse('2026-03-20T23:00:00Z') - 1,
    });
    await expect(service.getAsOf(['0190a0b0-0000-7000-8000-000000000001'], '1d')).rejects.toThrow(
      NotFoundError,
    );
  });

  test('a memory whose version of then is not kept is named, and left out of a search', async () => {
    const id = await add({ text: 'Staging runs on port 0' });
    for (let port = 1; port <= 60; port++) {
      now += DAY_MS;
      await service.update({ id, text: `Staging runs on port ${port}` });
    }
    expect(await service.getAsOf([id], '2026-03-20')).toMatchObject({ memories: [], forgotten: [id] });
    const { hits, note } = await service.search({ query: 'staging', asOf: '2026-03-20' });
    expect(hits).toEqual([]);
    expect(note).toContain('whose version of then is not kept');
  });

  test('a fact that was replaced later was not replaced then', async () => {
    const id = await add({ text: 'Staging runs on port 8443' });
    now += 10 * DAY_MS;
    await add({ text: 'Staging moved to port 9000', supersedes: id });
    now += DAY_MS;
    const supersededIn = async (asOf?: string): Promise<(boolean | undefined)[]> =>
      (await service.search({ query: 'staging port 8443', asOf })).hits
        .filter(({ memory }) => memory.id === id)
        .map(({ isSuperseded, memory }) => isSuperseded && memory.supersededBy !== undefined);
    expect(await supersededIn('2026-03-20')).toEqual([false]);
    expect(await supersededIn('1h')).toEqual([true]);
    expect(await supersededIn()).toEqual([true]);
  });
});

describe('facts that replace others, and pinned ones', () => {
  test('a replaced fact ranks below the one that replaces it, and names it', async () => {
    const old = await add({ text: 'The staging server runs on port 8443' });
    const id = await add({ text: 'Since Monday the staging server of us all runs on 9000', supersedes: old });
    const { hits } = await service.search({ query: 'staging server runs on port' });
    expect(hits.map(({ memory }) => memory.id)).toEqual([id, old]);
    expect(hits[1]).toMatchObject({ isSuperseded: true, memory: { supersededBy: id } });
    await expect(add({ text: 'x', supersedes: 'that one' })).rejects.toThrow(/id of a memory/);
    await expect(add({ text: 'x', supersedes: '0190a0b0-0000-7000-8000-000000000001' })).rejects.toThrow(
      NotFoundError,
    );
    await expect(service.update({ id, supersedes: id })).rejects.toThrow(/the memory itself/);
  });

  test('pinned facts come first in equal ranks; 20 are allowed', async () => {
    withoutModel();
    const first = await add({ text: 'Tea at four, says Ada' });
    const second = await add({ text: 'Tea at four, says Bob' });
    const best = async (): Promise<string | undefined> =>
      (await service.search({ query: 'tea at four' })).hits[0]?.memory.id;
    await service.update({ id: first, pinned: true });
    expect(await best()).toBe(first);
    await service.update({ id: first, pinned: false });
    await service.update({ id: second, pinned: true });
    expect(await best()).toBe(second);
    await service.add({
      memories: Array.from({ length: 19 }, (_, index) => ({ text: `Rule ${index}`, pinned: true })),
    });
    await expect(service.update({ id: first, pinned: true })).rejects.toThrow(/20; unpin one first/);
    await expect(add({ text: 'One more rule', metadata: { pinned: true } })).rejects.toThrow(/20/);
    // It is pinned already.
    await service.update({ id: second, pinned: true });
  });
});

describe('projects', () => {
  test('a new memory gets the current project, unless it names one or none', async () => {
    const results = await service.add({
      memories: [
        { text: 'The door code is 1' },
        { text: 'The door code is 2', project: '*' },
        { text: 'The door code is 3', project: 'other' },
        { text: 'The door code is 4', project: '' },
      ],
      currentProject: 'here',
    });
    expect(results.map(({ memory }) => memory.metadata['project'])).toEqual([
      'here',
      undefined,
      'other',
      undefined,
    ]);
    const [first] = results;
    const { memory } = await service.update({ id: first?.memory.id ?? '', project: '*' });
    expect(memory.metadata).toEqual({});
  });

  test('a search ranks other projects lower, names them, and leaves none out', async () => {
    withoutModel();
    const other = await add({ text: 'The build runs in make, always', project: 'other' });
    const global = await add({ text: 'The build runs in make, always', project: '*' });
    const own = await add({ text: 'The build runs in make, always', project: 'here' });
    const search = async (
      currentProject: string | null,
      project?: string,
    ): Promise<(string | boolean)[][]> => {
      const request = { query: 'build make', currentProject, filter: { project } };
      const { hits } = await service.search(request);
      return hits.map(({ memory, isOtherProject }) => [memory.id, isOtherProject]);
    };
    const here = await search('here');
    expect(here.at(-1)).toEqual([other, true]);
    expect(new Set(here.map(([id]) => id))).toEqual(new Set([other, global, own]));
    expect((await search('other')).at(-1)).toEqual([own, true]);
    for (const alike of [await search('here', '*'), await search(null)]) {
      expect(alike.map(([, isOther]) => isOther)).toEqual([false, false, false]);
    }
    expect(await search('here', 'other')).toEqual([[other, true]]);
  });

  test('what alone is close comes first, whatever its project', async () => {
    withoutModel();
    const other = await add({ text: 'The parrot eats walnuts at noon', project: 'other' });
    await add({ text: 'The build runs at noon', project: 'here' });
    const { hits } = await service.search({ query: 'parrot walnuts at noon', currentProject: 'here' });
    expect(hits[0]?.memory.id).toBe(other);
  });
});
