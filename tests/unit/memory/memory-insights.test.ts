import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EmbeddingUnavailableError } from '../../../src/errors/embedding-errors.ts';
import { InvalidInputError } from '../../../src/errors/input-errors.ts';
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

async function add(...texts: string[]): Promise<string[]> {
  const results = await service.add({ memories: texts.map((text) => ({ text })), onDuplicate: 'add' });
  await service.reembed();
  return results.map(({ memory }) => memory.id);
}

describe('isNovel', () => {
  test('is true in an empty store, with nothing nearest', async () => {
    expect(await service.isNovel({ text: 'anything' })).toEqual({
      novel: true,
      threshold: 0.88,
      nearest: null,
    });
  });

  test('is false for a text that is there, however it is spaced', async () => {
    const [id] = await add('Ada drinks tea');
    const answer = await service.isNovel({ text: ' Ada drinks tea ' });
    expect(answer).toMatchObject({ novel: false, nearest: { id, similarity: 1 } });
  });

  test('is false for a text that has no vector yet', async () => {
    embedder.failure = new EmbeddingUnavailableError('no model');
    const [added] = await service.add({ memories: [{ text: 'Ada drinks tea' }] });
    const answer = await service.isNovel({ text: 'Ada drinks tea', threshold: 1 });
    expect(answer).toMatchObject({ novel: false, nearest: { id: added?.memory.id, similarity: 1 } });
  });

  test('tells by the threshold', async () => {
    await add('the flag is red green blue yellow');
    const text = 'the flag is red green blue purple';
    const { nearest } = await service.isNovel({ text });
    const similarity = nearest?.similarity ?? 0;
    // The fake model was not calibrated, so thresholds work, and nobody is shown a percentage.
    expect(nearest?.uncalibrated).toBe(true);
    expect(similarity).toBeGreaterThan(0.3);
    expect(await service.isNovel({ text, threshold: similarity })).toMatchObject({ novel: false });
    expect(await service.isNovel({ text, threshold: similarity + 0.01 })).toMatchObject({ novel: true });
  });

  test.each([
    ['The staging server of the shop is at 10.0.0.5', 'The staging server of the shop is at 10.0.0.6'],
    ['the door in the hall is open', 'the door in the hall is not open'],
    ['Anna from Berlin manages the team of Bob', 'Bob from Berlin manages the team of Anna'],
    ['할머니 생신은 오월 삼일이다', '할머니 생신은 오월 사일이다'],
  ])('does not take %j for %j, however similar', async (there, text) => {
    await add(there);
    const answer = await service.isNovel({ text, threshold: 0.01 });
    expect(answer).toMatchObject({ novel: true, nearest: { text: there } });
    expect(answer.nearest?.differs).toBeDefined();
  });

  test('refuses a threshold outside 0 to 1, and an empty text', async () => {
    await expect(service.isNovel({ text: 'a', threshold: 1.1 })).rejects.toThrow(InvalidInputError);
    await expect(service.isNovel({ text: ' ' })).rejects.toThrow(InvalidInputError);
  });

  test('fails when nobody can embed', async () => {
    embedder.failure = new EmbeddingUnavailableError('no model');
    await expect(service.isNovel({ text: 'a' })).rejects.toThrow('no model');
  });
});

describe('deduplicate', () => {
  test('reports the groups and changes nothing unless told to', async () => {
    const [oldest, second, , third] = await add(
      'Two deploys a day',
      'two deploys a day.',
      'another thing',
      '2 deploys a day',
    );
    const report = await service.deduplicate({});
    expect(report).toMatchObject({ dryRun: true, threshold: 0.97, compared: 4, count: 2 });
    expect(report.groups.map(({ keep }) => keep.id)).toEqual([oldest]);
    expect(report.groups[0]?.duplicates.map(({ id }) => id).toSorted()).toEqual([second, third].toSorted());
    expect((await service.stats()).live).toBe(4);
  });

  test('names what is alike and never removes it', async () => {
    const [first, second] = await add('one two three', 'three two one', 'another thing');
    const report = await service.deduplicate({});
    expect(report).toMatchObject({ count: 0, groups: [] });
    expect(report.alike).toMatchObject([
      { keep: { id: first }, duplicates: [{ id: second, differs: 'order' }] },
    ]);
    expect(await service.deduplicate({ dryRun: false })).toMatchObject({ count: 0, alike: [] });
    expect((await service.stats()).live).toBe(3);
  });

  test('keeps the oldest, which takes over what the others have, and puts them into the trash', async () => {
    const [oldest, second, other] = await add('Tea at nine', 'tea at 9', 'another thing');
    await service.update({ id: second ?? '', tags: ['b'], source: 'chat', metadata: { owner: 'Ada' } });
    const report = await service.deduplicate({ dryRun: false });
    expect(report).toMatchObject({ dryRun: false, count: 1 });
    const { memories } = await service.list({ order: 'oldest' });
    expect(memories.map(({ id }) => id)).toEqual([oldest, other]);
    expect(memories[0]).toMatchObject({ tags: ['b'], source: 'chat', metadata: { owner: 'Ada' } });
    await service.restore([second ?? '']);
    expect((await service.stats()).live).toBe(3);
  });

  test('keeps apart what has another project, source or metadata value', async () => {
    const metadata = [
      { project: 'x' },
      { project: 'y' },
      { project: 'x', owner: 'Ada' },
      { project: 'y', owner: 'Bob' },
      {},
    ];
    for (const about of metadata)
      await service.add({ memories: [{ text: 'Tea at nine', metadata: about }], onDuplicate: 'add' });
    const report = await service.deduplicate({ dryRun: false });
    expect(report.count).toBe(2);
    const { memories } = await service.list({ order: 'oldest' });
    expect(memories.map(({ metadata: kept }) => kept)).toEqual([
      { project: 'x', owner: 'Ada' },
      { project: 'y', owner: 'Bob' },
      {},
    ]);
  });

  test('compares long texts to their end, and texts without a vector', async () => {
    const long = 'The report lists all regions. '.repeat(30);
    await add(`${long}Sales rose.`, `${long}Sales fell.`);
    embedder.failure = new EmbeddingUnavailableError('no model');
    await service.add({ memories: [{ text: `${long}Sales fell` }], onDuplicate: 'add' });
    expect(await service.deduplicate({ dryRun: false })).toMatchObject({ compared: 3, pending: 0, count: 1 });
  });

  test('says how many have no vector yet', async () => {
    await add('one', 'two');
    embedder.failure = new EmbeddingUnavailableError('no model');
    await service.add({ memories: [{ text: 'three' }] });
    expect(await service.deduplicate({})).toMatchObject({ compared: 3, pending: 1 });
  });

  test('finds all of a large group', async () => {
    const texts = Array.from({ length: 60 }, () => 'one two three');
    const [oldest] = await add(...texts);
    const report = await service.deduplicate({ dryRun: false });
    expect(report).toMatchObject({ count: 59, groups: [{ keep: { id: oldest } }] });
    expect(report.groups[0]?.duplicates).toHaveLength(59);
    expect((await service.stats()).live).toBe(1);
  });

  test('leaves alone what was changed while it compared', async () => {
    const pairs = ['one two', 'three four', 'five six'].flatMap((text) => [text, text]);
    const [, changed = '', kept = '', , purged = '', last = ''] = await add(...pairs);
    const read = store.getCurrent.bind(store);
    let reads = 0;
    vi.spyOn(store, 'getCurrent').mockImplementation(async (ids) => {
      const found = await read(ids);
      reads += 1;
      if (reads > 1) return found;
      await service.update({ id: changed, text: 'one two, and something new' });
      await service.delete({ ids: [kept] });
      await service.purge([purged]);
      return found;
    });
    expect((await service.deduplicate({ dryRun: false })).count).toBe(0);
    expect(reads).toBeGreaterThan(1);
    const { memories } = await service.list({ order: 'oldest' });
    expect(memories.map(({ id }) => id)).toContain(last);
    expect(memories.map(({ text }) => text)).toEqual([
      'one two',
      'one two, and something new',
      'three four',
      'five six',
    ]);
  });

  test('reports progress, and can be ended before anything is deleted', async () => {
    await add('one two', 'two one', 'three');
    const seen: unknown[] = [];
    await service.deduplicate({}, { onProgress: (progress) => seen.push(progress) });
    expect(seen).toEqual([{ done: 3, total: 3 }]);
    const signal = AbortSignal.abort();
    await expect(service.deduplicate({ dryRun: false }, { signal })).rejects.toThrow();
    expect((await service.stats()).live).toBe(3);
  });
});

describe('map and growth', () => {
  test('draws the newest memories that have a vector', async () => {
    await add('one', 'two', 'three');
    const { points, total } = await service.map({ limit: 2 });
    expect(points.map(({ memory }) => memory.text).toSorted()).toEqual(['three', 'two']);
    expect(total).toBe(3);
    for (const { x, y } of points) expect(Math.max(Math.abs(x), Math.abs(y))).toBeLessThanOrEqual(1);
  });

  test('counts the days', async () => {
    await add('one', 'two');
    const today = new Date().toISOString().slice(0, 10);
    expect((await service.growth()).reduce((sum, { added }) => sum + added, 0)).toBe(2);
    expect((await service.growth()).at(-1)?.day).toBe(today);
  });
});
