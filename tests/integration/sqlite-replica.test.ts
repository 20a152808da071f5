import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { MemoryState } from '../../src/backup/ports.ts';
import type { EmbeddingModelId } from '../../src/embedding/embedder.ts';
import { StoreUnavailableError } from '../../src/errors/store-errors.ts';
import { assembleReplica, startWorkerStore } from '../../src/store/worker/client.ts';
import type { SqliteMemoryStore } from '../../src/store/sqlite/sqlite-memory-store.ts';
import { apply, idOf, siblingsOf, snapshotOf, streamOf } from '../contract/replica/use-replicas.ts';
import { draft } from '../helpers/drafts.ts';
import { openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';
import { encodeVector, unitVector } from '../helpers/vectors.ts';

const STAMP: EmbeddingModelId = { modelId: 'one-model', dimension: 8, weightsHash: 'aa' };
const OTHER_STAMP: EmbeddingModelId = { modelId: 'other-model', dimension: 4, weightsHash: '' };

function open(
  dataDir = temporaryFolder(),
  now = Date.now,
): {
  store: SqliteMemoryStore;
  replica: ReturnType<typeof assembleReplica>;
} {
  const store = openSqliteStore(dataDir, { now });
  return { store, replica: assembleReplica(store.replica) };
}

/** Gives every waiting memory one vector. */
async function embed(store: SqliteMemoryStore, modelId = STAMP): Promise<number> {
  const claimed = await store.claimPendingEmbeddings({ modelId, limit: 100, leaseMs: 0 });
  const vector = encodeVector(unitVector(modelId.dimension, 1));
  const writes = claimed.map(({ versionKey, text }) => ({
    versionKey,
    chunks: [{ start: 0, end: text.length, vector }],
  }));
  await store.putEmbeddings(modelId, writes);
  return claimed.length;
}

async function nearest(store: SqliteMemoryStore): Promise<string[]> {
  const vector = { modelId: STAMP, vector: unitVector(STAMP.dimension, 1) };
  const { vectors } = await store.candidates({ filter: {}, limit: 10, vector });
  return vectors.map(({ id }) => id).sort();
}

async function problemsOf({ store }: ReturnType<typeof open>): Promise<readonly string[]> {
  return (await store.checkIntegrity(STAMP)).problems;
}

describe('vectors', () => {
  test('come along, so that a machine with the same model embeds nothing again', async () => {
    const [a, b] = [open(), open()];
    await a.store.add([draft('one', { id: idOf(1) }), draft('two', { id: idOf(2) })]);
    await embed(a.store);
    await b.store.add([draft('three', { id: idOf(3) })]);
    await embed(b.store);
    await apply(b.replica, 'merge', await snapshotOf(a.replica));
    expect(await embed(b.store)).toBe(0);
    expect(await nearest(b.store)).toEqual([idOf(1), idOf(2), idOf(3)]);
    expect(await problemsOf(b)).toEqual([]);
  });

  test('of a model that is not used here are kept for others, and the text is embedded again', async () => {
    const [a, b, c] = [open(), open(), open()];
    await a.store.add([draft('one', { id: idOf(1) })]);
    await embed(a.store, OTHER_STAMP);
    await apply(b.replica, 'merge', await snapshotOf(a.replica));
    expect(await embed(b.store)).toBe(1);
    expect(await nearest(b.store)).toEqual([idOf(1)]);
    await apply(c.replica, 'merge', await snapshotOf(b.replica));
    expect(await embed(c.store)).toBe(0);
    expect(await embed(c.store, OTHER_STAMP)).toBe(0);
    expect([await problemsOf(b), await problemsOf(c)]).toEqual([[], []]);
  });

  test('that only the other side has are taken for a version that both have, once', async () => {
    const [a, b] = [open(), open()];
    await a.store.add([draft('one', { id: idOf(1) })]);
    await apply(b.replica, 'merge', await snapshotOf(a.replica));
    expect(await nearest(b.store)).toEqual([]);
    await embed(a.store);
    const { sequence, stateDigest } = await b.replica.identity();
    await apply(b.replica, 'merge', await snapshotOf(a.replica));
    expect(await nearest(b.store)).toEqual([idOf(1)]);
    expect(await b.replica.identity()).toMatchObject({ sequence: sequence + 1, stateDigest });
    await apply(b.replica, 'merge', await snapshotOf(a.replica));
    expect(await b.replica.identity()).toMatchObject({ sequence: sequence + 1 });
    expect(await problemsOf(b)).toEqual([]);
  });

  test('come back with a restored text and leave with an erased one', async () => {
    const a = open();
    await a.store.add([draft('one', { id: idOf(1) }), draft('two', { id: idOf(2) })]);
    await embed(a.store);
    const old = await snapshotOf(a.replica);
    await a.store.update(idOf(1), { text: 'another' });
    await a.store.purge([idOf(2)]);
    await apply(a.replica, 'restore', old);
    expect(await embed(a.store)).toBe(0);
    expect(await nearest(a.store)).toEqual([idOf(1)]);
    expect((await siblingsOf({ replica: a.replica }, idOf(2)))[0]?.vectors).toEqual([]);
    expect(await problemsOf(a)).toEqual([]);
  });
});

describe('a dot that another row has', () => {
  test.each(['another memory', 'a version in the history of another memory'])(
    'of %s is not taken from it',
    async (owner) => {
      const a = open();
      await a.store.add([draft('one', { id: idOf(1) })]);
      const [version] = await siblingsOf(a, idOf(1));
      if (owner !== 'another memory') await a.store.update(idOf(1), { text: 'changed' });
      if (version === undefined) throw new Error('there is a version');
      const intruder: MemoryState = { id: idOf(2), siblings: [{ ...version, text: 'two' }] };
      const request = { states: [intruder], clock: { [version.dot.machine]: 1 }, complete: false };
      expect(await apply(a.replica, 'merge', request)).toMatchObject({ reusedDots: 1, added: { count: 1 } });
      const before = await a.replica.identity();
      expect(await apply(a.replica, 'merge', request)).toMatchObject({ reusedDots: 0, added: { count: 0 } });
      expect(await a.replica.identity()).toEqual(before);
      const texts = (await a.store.getCurrent([idOf(1), idOf(2)])).map(({ text }) => text);
      expect(texts).toEqual([owner === 'another memory' ? 'one' : 'changed', 'two']);
      expect(await problemsOf(a)).toEqual([]);
    },
  );
});

describe('what a merge replaces', () => {
  test('becomes history of the memory', async () => {
    const [a, b] = [open(), open()];
    await a.store.add([draft('one', { id: idOf(1) })]);
    await apply(b.replica, 'merge', await snapshotOf(a.replica));
    await a.store.update(idOf(1), { text: 'changed' });
    await apply(b.replica, 'merge', await snapshotOf(a.replica));
    const [memory] = await b.store.get([idOf(1)]);
    expect(memory).toMatchObject({
      text: 'changed',
      history: [{ role: 'current' }, { role: 'replaced', text: 'one' }],
    });
  });

  test('is gone for good when it was erased there, also from the trash here', async () => {
    const [a, b] = [open(), open()];
    const secret = 'zanzibar is the secret';
    await a.store.add([draft(secret, { id: idOf(1) })]);
    await apply(b.replica, 'merge', await snapshotOf(a.replica));
    await b.store.delete([idOf(1)]);
    await a.store.purge([idOf(1)]);
    await apply(b.replica, 'merge', await snapshotOf(a.replica));
    const [memory] = await b.store.get([idOf(1)]);
    expect(memory?.history.map(({ state, text }) => [state, text])).toEqual([
      ['purged', ''],
      ['stripped', ''],
    ]);
    expect(JSON.stringify((await snapshotOf(b.replica)).states)).not.toContain('zanzibar');
    expect(await problemsOf(b)).toEqual([]);
    await apply(a.replica, 'merge', await snapshotOf(b.replica));
    expect((await a.replica.identity()).stateDigest).toBe((await b.replica.identity()).stateDigest);
  });

  test('is found by its new words, and by its old ones no more', async () => {
    const [a, b] = [open(), open()];
    await a.store.add([draft('apricot', { id: idOf(1) })]);
    await apply(b.replica, 'merge', await snapshotOf(a.replica));
    await a.store.update(idOf(1), { text: 'blueberry' });
    await apply(b.replica, 'merge', await snapshotOf(a.replica));
    const find = async (words: string): Promise<number> =>
      (await b.store.candidates({ filter: {}, limit: 5, words })).words.length;
    expect([await find('apricot'), await find('blueberry')]).toEqual([0, 1]);
  });
});

describe('the staging file', () => {
  test('is for the owner only, replaces one that a dead process left, and goes with the stage', async () => {
    const dataDir = temporaryFolder();
    const { replica } = open(dataDir);
    const path = join(dataDir, 'staging.sqlite');
    writeFileSync(path, 'left behind');
    writeFileSync(`${path}-journal`, 'left behind');
    const staged = await replica.stage(streamOf([]));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(existsSync(`${path}-journal`)).toBe(false);
    await staged.close();
    expect(readdirSync(dataDir).filter((name) => name.startsWith('staging'))).toEqual([]);
  });

  test('is gone for an older stage', async () => {
    const { replica } = open();
    const first = await replica.stage(streamOf([]));
    const second = await replica.stage(streamOf([]));
    await expect(first.merge({ clock: {}, complete: false })).rejects.toBeInstanceOf(StoreUnavailableError);
    await first.close();
    expect(await second.merge({ clock: {}, complete: false })).toMatchObject({ applied: true });
    await second.close();
  });
});

describe('a deletion that comes from outside', () => {
  const DAY_MS = 86_400_000;

  test('counts the days of the trash from its arrival, where the memory was live until then', async () => {
    let now = Date.UTC(2026, 0, 1);
    const [a, b] = [open(temporaryFolder(), () => now), open(temporaryFolder(), () => now)];
    await a.store.add([draft('one', { id: idOf(1) }), draft('two', { id: idOf(2) })]);
    await apply(b.replica, 'merge', await snapshotOf(a.replica));
    await a.store.add([draft('three', { id: idOf(3) })]);
    await a.store.delete([idOf(1), idOf(3)]);
    now += 40 * DAY_MS;
    await apply(b.replica, 'merge', await snapshotOf(a.replica));

    // It was never live here, so it has been deleted for 40 days.
    expect(await b.store.expireTrash(30 * DAY_MS)).toBe(1);
    expect(await b.store.restore([idOf(1)])).toMatchObject([{ state: 'live', text: 'one' }]);
    await b.store.delete([idOf(1)]);
    now += 29 * DAY_MS;
    expect(await b.store.expireTrash(30 * DAY_MS)).toBe(0);
    now += 2 * DAY_MS;
    expect(await b.store.expireTrash(30 * DAY_MS)).toBe(1);
    expect(await b.store.stats()).toMatchObject({ live: 1, trash: 0 });
    expect(await problemsOf(b)).toEqual([]);
  });

  test('is erased after these days also when nothing is done here', async () => {
    let now = Date.UTC(2026, 0, 1);
    const [a, b] = [open(temporaryFolder(), () => now), open(temporaryFolder(), () => now)];
    await a.store.add([draft('one', { id: idOf(1) })]);
    await apply(b.replica, 'merge', await snapshotOf(a.replica));
    await a.store.delete([idOf(1)]);
    now += 40 * DAY_MS;
    await apply(b.replica, 'merge', await snapshotOf(a.replica));
    for (const [days, erased] of [
      [10, 0],
      [19, 0],
      [2, 1],
    ] as const) {
      now += days * DAY_MS;
      expect(await b.store.expireTrash(30 * DAY_MS)).toBe(erased);
    }
    // Both machines name the same writes, erased or not.
    expect((await b.store.stats()).stateDigest).toBe((await a.store.stats()).stateDigest);
    expect(await a.store.expireTrash(30 * DAY_MS)).toBe(1);
  });

  test('empties the trash in steps, and is told the whole number', async () => {
    const { store } = open();
    const added = await store.add(Array.from({ length: 450 }, (_, index) => draft(`memory ${index}`)));
    await store.delete(added.map(({ memory }) => memory.id));
    expect(await store.expireTrash(-1_000)).toBe(450);
    expect(await store.stats()).toMatchObject({ live: 0, trash: 0 });
  });
});

describe('a view', () => {
  test('reads more than fits into one page, and lets go of the log when it is closed', async () => {
    const dataDir = temporaryFolder();
    const { store, replica } = open(dataDir);
    await store.add(Array.from({ length: 1_201 }, (_, index) => draft(`memory ${index}`)));
    const view = await replica.openView();
    await store.add([draft('later')]);
    const ids = new Set<string>();
    for await (const { id } of view.changesSince(0)) ids.add(id);
    expect(ids.size).toBe(1_201);
    await view.close();
    await store.purge([[...ids][0] ?? '']);
    expect(statSync(join(dataDir, 'memory.sqlite-wal')).size).toBe(0);
  });
});

describe('many views', () => {
  test('of a thread that collects no garbage open no more files than one', async () => {
    const { store, replica } = open();
    await store.add([draft('one')]);
    await snapshotOf(replica);
    const files = readdirSync('/dev/fd').length;
    for (let view = 0; view < 20; view += 1) await snapshotOf(replica);
    expect(readdirSync('/dev/fd').length).toBeLessThanOrEqual(files);
  });

  test('see the database that is there, also after it was exchanged', async () => {
    const dataDir = temporaryFolder();
    const { store, replica } = open(dataDir);
    await store.add([draft('one')]);
    const { stateDigest } = await snapshotOf(replica);
    await store.replica.identity();
    for (const suffix of ['', '-wal', '-shm']) rmSync(join(dataDir, `memory.sqlite${suffix}`));
    await expect(replica.identity()).rejects.toBeInstanceOf(StoreUnavailableError);
    // Another process begins anew; this one must not.
    await expect(store.add([draft('two')])).rejects.toBeInstanceOf(StoreUnavailableError);
    await open(dataDir).store.add([draft('two'), draft('three')]);
    const { states, stateDigest: now } = await snapshotOf(replica);
    expect(states).toHaveLength(2);
    expect(now).not.toBe(stateDigest);
  });
});

describe('a hosted replica', () => {
  test('serves the same memories as the store beside it, and closes with it', async () => {
    const { memory, replica } = startWorkerStore({ dataDir: temporaryFolder(), vectorIndex: 'exact' });
    onTestFinished(() => memory.close());
    await memory.add([draft('one', { id: idOf(1) })]);
    const { states } = await snapshotOf(replica);
    expect(states).toMatchObject([{ id: idOf(1), siblings: [{ text: 'one' }] }]);
    await memory.close();
    await expect(replica.identity()).rejects.toBeInstanceOf(StoreUnavailableError);
  });
});
