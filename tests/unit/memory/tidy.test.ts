import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EmbeddingUnavailableError } from '../../../src/errors/embedding-errors.ts';
import { InvalidInputError, StateChangedError } from '../../../src/errors/input-errors.ts';
import { FakeEmbedder } from '../../../src/embedding/fake-embedder.ts';
import type { AddInput } from '../../../src/memory/memory-api.ts';
import type { MemoryService } from '../../../src/memory/memory-service.ts';
import { isJunk } from '../../../src/memory/tidy.ts';
import type { SqliteMemoryStore } from '../../../src/store/sqlite/sqlite-memory-store.ts';
import { memoryServiceOn } from '../../helpers/memory-service.ts';
import { openSqliteStore, temporaryFolder } from '../../helpers/sqlite-store.ts';

const HOUR_MS = 3_600_000;
const LONG =
  'the small staging server of the project alpha in our own data centre in Gdansk runs since last autumn on port 844';

let now: number;
let embedder: FakeEmbedder;
let store: SqliteMemoryStore;
let service: MemoryService;

beforeEach(() => {
  now = Date.parse('2026-03-18T11:00:00Z');
  embedder = new FakeEmbedder();
  store = openSqliteStore(temporaryFolder(), { now: () => now });
  service = memoryServiceOn({ store, embedder, now: () => now });
});
afterEach(async () => {
  await service.close();
  await store.close();
});

async function add(memory: AddInput): Promise<string> {
  const [result] = await service.add({ memories: [memory], onDuplicate: 'add' });
  now += 1_000;
  return result?.memory.id ?? '';
}

async function texts(): Promise<string[]> {
  const { memories } = await service.list({ order: 'oldest' });
  return memories.map(({ text }) => text);
}

test('a proposal changes nothing; its token does what it said, and the trash has it all', async () => {
  const tea = await add({ text: 'Tea at nine' });
  await add({ text: 'tea at nine.', tags: ['drinks'] });
  const expired = await add({ text: 'The oven is hot', expires: '1h' });
  const junk = await add({ text: '???' });
  await add({ text: 'Ada likes tea' });
  now += HOUR_MS;
  const proposal = await service.tidy({});
  expect(proposal).toMatchObject({
    dryRun: true,
    removed: 0,
    counts: { duplicates: 1, expired: 1, junk: 1 },
    duplicates: [{ keep: { id: tea }, duplicates: [{ text: 'tea at nine.' }] }],
    expired: [{ id: expired }],
    junk: [{ id: junk }],
  });
  expect(await texts()).toHaveLength(5);
  const done = await service.tidy({ confirm: proposal.confirm });
  expect(done).toMatchObject({ dryRun: false, removed: 3 });
  expect(await texts()).toEqual(['Tea at nine', 'Ada likes tea']);
  expect((await service.get([tea]))[0]?.tags).toEqual(['drinks']);
  expect((await service.list({ which: 'trash' })).total).toBe(3);
});

test('what changed since the proposal is not touched', async () => {
  const junk = await add({ text: '???' });
  const { confirm } = await service.tidy({});
  await service.update({ id: junk, text: 'Three question marks mean: ask Ada' });
  await expect(service.tidy({ confirm })).rejects.toThrow(StateChangedError);
  await expect(service.tidy({ confirm: 'made up' })).rejects.toThrow(StateChangedError);
  expect(await texts()).toHaveLength(1);
});

test('only the kinds that are wanted go', async () => {
  await add({ text: '???' });
  await add({ text: 'The oven is hot', expires: '1h' });
  now += HOUR_MS;
  const { confirm } = await service.tidy({ kinds: ['expired'] });
  expect(await service.tidy({ kinds: ['expired'], confirm })).toMatchObject({ removed: 1, junk: [] });
  expect(await texts()).toEqual(['???']);
  await expect(service.tidy({ kinds: [] })).rejects.toThrow(InvalidInputError);
});

test('what resembles another fact is shown, never touched, and no more once one replaces the other', async () => {
  const old = await add({ text: `${LONG}3` });
  const newer = await add({ text: `${LONG}4` });
  await add({ text: `${LONG}5`, project: 'a' });
  await add({ text: `${LONG}6`, project: 'b' });
  const proposal = await service.tidy({});
  const [first] = proposal.contradictions;
  expect(first?.keep.id).toBe(old);
  expect(first?.duplicates.map(({ id, differs }) => [id, differs])).toContainEqual([newer, 'numbers']);
  expect(proposal.counts).toEqual({ duplicates: 0, expired: 0, junk: 0, unused: 0 });
  await service.tidy({ confirm: proposal.confirm });
  expect(await texts()).toHaveLength(4);
  await service.update({ id: newer, supersedes: old });
  const { contradictions } = await service.tidy({});
  expect(contradictions.filter(({ keep }) => keep.id === old)).toEqual([]);
});

test('a fact that ends does not take one that holds with it', async () => {
  const id = await add({ text: 'Tea at nine' });
  const [ends] = await service.add({ memories: [{ text: 'Tea at nine', expires: '1h' }] });
  expect(ends).toMatchObject({ outcome: 'added', twin: { id, differs: ['metadata.expires'] } });
  now += HOUR_MS;
  const { confirm } = await service.tidy({});
  await service.tidy({ confirm });
  expect(await texts()).toEqual(['Tea at nine']);
  expect((await service.search({ query: 'tea' })).hits).toHaveLength(1);
});

test('without a model expired facts and junk are proposed, and it says that nothing was compared', async () => {
  await add({ text: '???' });
  embedder.modelId = () => Promise.reject(new EmbeddingUnavailableError('switched off'));
  expect(await service.tidy({})).toMatchObject({ compared: false, counts: { junk: 1 }, duplicates: [] });
});

/** Notes one search a day that finds these memories. */
async function searchDaily(days: number, found: readonly string[]): Promise<void> {
  for (let day = 0; day < days; day += 1) {
    await store.noteFound({ at: now, searches: 2, times: found.map((id) => [id, 1]) });
    now += 24 * HOUR_MS;
  }
}

test('facts that no search found are shown, and go only when that is asked for', async () => {
  const tea = await add({ text: 'Tea at nine' });
  const jam = await add({ text: 'Ada likes jam' });
  now += 24 * HOUR_MS;
  await searchDaily(20, [tea]);
  expect(await service.tidy({})).toMatchObject({ unused: [], searched: { searches: 40, unused: null } });
  await searchDaily(20, [tea]);
  const usual = await service.tidy({});
  expect(usual).toMatchObject({ unused: [{ id: jam }], counts: { unused: 0 }, searched: { unused: 1 } });
  expect(usual.searched.since).toBe(Date.parse('2026-03-19'));
  expect(await service.tidy({ confirm: usual.confirm })).toMatchObject({ removed: 0 });
  const kinds = ['unused'] as const;
  const { confirm, counts } = await service.tidy({ kinds });
  expect(counts.unused).toBe(1);
  await store.noteFound({ at: now, searches: 1, times: [[jam, 1]] });
  await expect(service.tidy({ kinds, confirm })).rejects.toThrow(StateChangedError);
  await store.purge([jam]);
  const sugar = await add({ text: 'Sugar is sweet' });
  await searchDaily(40, [tea]);
  const again = await service.tidy({ kinds });
  expect(again.unused).toMatchObject([{ id: sugar }]);
  expect(await service.tidy({ kinds, confirm: again.confirm })).toMatchObject({ removed: 1 });
  expect(await texts()).toEqual(['Tea at nine']);
});

test('the fact that takes in what its repetitions say does not go as unused', async () => {
  const kept = await add({ text: 'Tea at nine' });
  const found = await add({ text: 'tea at nine.', tags: ['drinks'] });
  now += 24 * HOUR_MS;
  await searchDaily(60, [found]);
  const kinds = ['duplicates', 'unused'] as const;
  const { confirm, unused } = await service.tidy({ kinds });
  expect(unused).toEqual([]);
  await service.tidy({ kinds, confirm });
  expect((await service.get([kept]))[0]).toMatchObject({ state: 'live', tags: ['drinks'] });
});

test('all facts are gone through once, whatever is looked for', async () => {
  for (const text of ['???', 'Tea at nine', 'Ada likes jam']) await add({ text });
  const matching = vi.spyOn(store, 'matching');
  const read = vi.spyOn(store, 'getCurrent');
  const { confirm } = await service.tidy({});
  expect(matching).toHaveBeenCalledTimes(1);
  read.mockClear();
  // What only resembles another fact, for which more is read, is not looked for again.
  await service.tidy({ confirm });
  expect(read).toHaveBeenCalledTimes(1);
});

test.each([
  ['???', true],
  ['— … —', true],
  ['test', true],
  ['Testing...', true],
  ['lorem ipsum dolor', true],
  ['[masked AWS access key]', true],
  ['🙂', false],
  ['Test the backup on Friday', false],
  ['C++', false],
  ['The key is [masked AWS access key]', false],
  ['お茶', false],
])('%s is junk: %s', (text, expected) => {
  expect(isJunk({ text, metadata: {} })).toBe(expected);
  expect(isJunk({ text, metadata: { pinned: true } })).toBe(false);
});
