import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { EmbeddingModelId } from '../../src/embedding/embedder.ts';
import type { SqliteMemoryStore } from '../../src/store/sqlite/sqlite-memory-store.ts';
import { draft } from '../helpers/drafts.ts';
import { startServer } from '../helpers/http-server.ts';
import { RawServer } from '../helpers/mcp/raw-server.ts';
import { runProgram, type ProgramRun } from '../helpers/run-program.ts';
import { openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';
import { encodeVector, unitVector } from '../helpers/vectors.ts';

const DAY_MS = 86_400_000;
const MODEL: EmbeddingModelId = { modelId: 'one-model', dimension: 8, weightsHash: 'aa' };
const OLD = 5;
/** How long the background of a server may take to come to it; usually some seconds. */
const SOON = { timeout: 20_000, interval: 100 };

interface Store {
  readonly home: string;
  /** The data folder in it. */
  readonly memories: string;
  readonly store: SqliteMemoryStore;
  readonly old: readonly string[];
  readonly fresh: string;
}

async function embedAll(store: SqliteMemoryStore): Promise<void> {
  const claimed = await store.claimPendingEmbeddings({ modelId: MODEL, limit: 1_000, leaseMs: 0 });
  const vector = encodeVector(unitVector(MODEL.dimension, 1));
  const writes = claimed.map(({ versionKey, text }) => ({
    versionKey,
    chunks: [{ start: 0, end: text.length, vector }],
  }));
  await store.putEmbeddings(MODEL, writes);
}

/** Memories with versions and vectors that were deleted 31 days ago, one of 29 days ago, and one that lives. */
async function storeWithOldTrash(): Promise<Store> {
  const home = temporaryFolder();
  const memories = join(home, 'memories');
  let now = Date.now() - 40 * DAY_MS;
  const store = openSqliteStore(memories, { now: () => now });
  const texts = Array.from({ length: OLD }, (_, index) =>
    draft(`zanzibar was number ${index}`, { tags: ['marmalade'] }),
  );
  const old = (await store.add(texts)).map(({ memory }) => memory.id);
  const [first = ''] = old;
  await store.update(first, { text: 'zanzibar, changed to kilimanjaro' });
  const [kept] = await store.add([draft('a fresh pineapple'), draft('this one lives')]);
  await embedAll(store);
  now = Date.now() - 31 * DAY_MS;
  await store.delete(old);
  now = Date.now() - 29 * DAY_MS;
  const fresh = kept?.memory.id ?? '';
  await store.delete([fresh]);
  await store.close();
  return { home, memories, store: openSqliteStore(memories), old, fresh };
}

/** Whether any file of the store still has the word. */
function holds(memories: string, word: string): boolean {
  return readdirSync(memories)
    .filter((name) => name.startsWith('memory.sqlite'))
    .some((name) => readFileSync(join(memories, name)).includes(word));
}

async function expectErased({ home, memories, store, old, fresh }: Store): Promise<void> {
  expect(await store.stats()).toMatchObject({ live: expect.any(Number) as number, trash: 1 });
  const trash = await store.list({ filter: {}, which: 'trash', order: 'newest', limit: 1_000 });
  expect(trash.memories.map(({ id }) => id)).toEqual([fresh]);
  for (const { state, text, tags, history } of await store.get(old)) {
    expect({ state, text, tags }).toEqual({ state: 'stripped', text: '', tags: [] });
    expect(history.map((version) => version.text)).toEqual(['']);
  }
  expect((await store.candidates({ filter: {}, limit: 10, words: 'zanzibar' })).words).toEqual([]);
  const vector = { modelId: MODEL, vector: unitVector(MODEL.dimension, 1) };
  const { vectors } = await store.candidates({ filter: {}, limit: 1_000, vector });
  expect(vectors.map(({ id }) => id).filter((id) => old.includes(id))).toEqual([]);
  expect((await store.checkIntegrity(MODEL)).problems).toEqual([]);
  await store.close();
  // Whoever opens it last moves the log into the file.
  const listed = await runProgram(['list', '--trash', '--json'], { dataDir: home });
  expect(listed.stdout).not.toContain('zanzibar');
  for (const word of ['zanzibar', 'kilimanjaro', 'marmalade'])
    expect([word, holds(memories, word)]).toEqual([word, false]);
  expect(holds(memories, 'pineapple')).toBe(true);
}

async function trashOf(store: SqliteMemoryStore): Promise<number> {
  return (await store.stats()).trash;
}

describe('what has been in the trash for 30 days is erased', () => {
  test('by an HTTP server that nobody calls', async () => {
    const seeded = await storeWithOldTrash();
    const server = await startServer({ dataDir: seeded.home });
    await expect.poll(() => trashOf(seeded.store), SOON).toBe(1);
    await server.stop();
    await expectErased(seeded);
  });

  test('by an MCP server that nobody calls, with the model off and no remote', async () => {
    const seeded = await storeWithOldTrash();
    const server = new RawServer(seeded.home);
    await expect.poll(() => trashOf(seeded.store), SOON).toBe(1);
    server.child.stdin.end();
    await server.exited;
    await expectErased(seeded);
  });

  test.each([
    ['add', ['add', 'something new']],
    ['import', ['import', '-']],
  ])('by the command %s', async (_, words) => {
    const seeded = await storeWithOldTrash();
    const { code } = await runProgram(words, {
      dataDir: seeded.home,
      input: '{"text":"imported"}\n',
    });
    expect(code).toBe(0);
    await expectErased(seeded);
  });

  test('not by what only reads, shows what would happen, or brings something back', async () => {
    const { home, store } = await storeWithOldTrash();
    for (const words of [
      ['search', 'pineapple'],
      ['list', '--trash'],
      ['delete', '--before', '1d', '--dry-run'],
      ['add'],
      ['restore-deleted', '00000000-0000-7000-8000-000000000000'],
    ]) {
      await runProgram(words, { dataDir: home });
      expect([words, await trashOf(store)]).toEqual([words, OLD + 1]);
    }
  });

  test('not by a dry run of a tool either', async () => {
    const { home, store, old } = await storeWithOldTrash();
    const server = new RawServer(home, { MEMORY_TRASH_DAYS: '1000' });
    await server.initialize();
    await server.call('memory_delete', { filter: { before: '1d' }, dry_run: true });
    await server.call('memory_delete', { ids: [old[0]] });
    expect(await trashOf(store)).toBe(OLD + 1);
  });

  test('after as many days as the setting says', async () => {
    const run = async (days: string, home: string): Promise<ProgramRun> =>
      runProgram(['add', `with ${days}`], { dataDir: home, env: { MEMORY_TRASH_DAYS: days } });
    const { home, store } = await storeWithOldTrash();
    for (const [days, left] of [
      ['32', OLD + 1],
      ['30.5', 1],
      ['29.5', 1],
      ['0', 0],
    ] as const) {
      expect((await run(days, home)).code).toBe(0);
      expect([days, await trashOf(store)]).toEqual([days, left]);
    }
  });
});

test('what a killed process left in the data folder goes at the next start', async () => {
  const home = temporaryFolder();
  const memories = join(home, 'memories');
  await runProgram(['add', 'one'], { dataDir: home });
  const leave = (): string[] => {
    const names = ['staging.sqlite', 'staging.sqlite-journal', 'drill-Ab3xYz'];
    mkdirSync(join(memories, 'drill-Ab3xYz'), { recursive: true });
    writeFileSync(join(memories, 'drill-Ab3xYz', 'memory.sqlite'), 'an erased memory');
    for (const name of names.slice(0, 2)) writeFileSync(join(memories, name), 'an erased memory');
    return names.map((name) => join(memories, name));
  };
  const left = leave();
  expect((await runProgram(['list'], { dataDir: home })).code).toBe(0);
  expect(left.filter(existsSync)).toEqual(left);
  expect((await runProgram(['add', 'two'], { dataDir: home })).code).toBe(0);
  expect(left.filter(existsSync)).toEqual([]);
  leave();
  const server = new RawServer(home);
  await expect.poll(() => left.filter(existsSync), SOON).toEqual([]);
  server.child.stdin.end();
  expect(await server.exited).toMatchObject({ code: 0 });
});
