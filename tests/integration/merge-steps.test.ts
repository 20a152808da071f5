import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { StoreUnavailableError } from '../../src/errors/store-errors.ts';
import { assembleReplica } from '../../src/store/worker/client.ts';
import type { ChangeReport } from '../../src/store/replica-store.ts';
import { Connection } from '../../src/store/sqlite/connection.ts';
import type { MemoryState } from '../../src/backup/ports.ts';
import { removeLeftovers } from '../../src/store/sqlite/sqlite-work-lock.ts';
import type { SqliteMemoryStore } from '../../src/store/sqlite/sqlite-memory-store.ts';
import { apply, idOf, type Snapshot, snapshotOf } from '../contract/replica/use-replicas.ts';
import { draft } from '../helpers/drafts.ts';
import { openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';

const MEMORIES = 40;
/** Each step merges one memory. */
const stepSizes = { memories: 0, bytes: 0, milliseconds: 0 };

interface Machine {
  readonly dataDir: string;
  readonly store: SqliteMemoryStore;
  readonly replica: ReturnType<typeof assembleReplica>;
}

function open(dataDir = temporaryFolder()): Machine {
  const store = openSqliteStore(dataDir, { stepSizes });
  return { dataDir, store, replica: assembleReplica(store.replica) };
}

/** A machine with 40 memories, and its snapshot. */
async function other(): Promise<Machine & { readonly snapshot: Snapshot }> {
  const machine = open();
  const drafts = Array.from({ length: MEMORIES }, (_, index) =>
    draft(`other ${index}`, { id: idOf(index + 1) }),
  );
  await machine.store.add(drafts);
  return { ...machine, snapshot: await snapshotOf(machine.replica) };
}

async function liveIn({ store }: Machine): Promise<number> {
  return (await store.stats()).live;
}

async function problemsOf({ store }: Machine): Promise<readonly string[]> {
  return (await store.checkIntegrity()).problems;
}

/** Begins a merge and returns when some of the memories are merged. */
async function beginMerge(machine: Machine, snapshot: Snapshot): Promise<Promise<ChangeReport>[]> {
  const before = await liveIn(machine);
  const merge = apply(machine.replica, 'merge', snapshot);
  merge.catch(() => undefined);
  await expect.poll(() => liveIn(machine), { interval: 0, timeout: 10_000 }).toBeGreaterThan(before + 2);
  return [merge];
}

/** Ends the store in the middle of a merge. Returns the machine with its data folder opened again. */
async function cutOff(machine: Machine, snapshot: Snapshot): Promise<Machine> {
  const [merge] = await beginMerge(machine, snapshot);
  await machine.store.close();
  await expect(merge).rejects.toBeInstanceOf(StoreUnavailableError);
  const again = open(machine.dataDir);
  expect(await liveIn(again)).toBeLessThan(MEMORIES);
  return again;
}

describe('in the middle of a merge', () => {
  test('other calls have their turn, and the version vector names no write that is not merged', async () => {
    const { snapshot } = await other();
    const here = open();
    await here.store.add([draft('own', { id: idOf(1_000) })]);
    const { clock, stateDigest } = await here.replica.identity();
    const [merge] = await beginMerge(here, snapshot);
    expect(await here.replica.identity()).toMatchObject({ clock, stateDigest });
    expect(await problemsOf(here)).toEqual([]);
    await here.store.add([draft('added meanwhile', { id: idOf(1_001) })]);
    expect(await liveIn(here)).toBeLessThan(MEMORIES);
    const { words } = await here.store.candidates({ filter: {}, limit: 5, words: 'meanwhile' });
    expect(words.map(({ id }) => id)).toEqual([idOf(1_001)]);

    expect(await merge).toMatchObject({ applied: true, added: { count: MEMORIES } });
    expect(await liveIn(here)).toBe(MEMORIES + 2);
    expect((await here.replica.identity()).clock).toMatchObject(snapshot.clock);
    expect(await problemsOf(here)).toEqual([]);
    expect(existsSync(join(here.dataDir, 'staging.sqlite'))).toBe(false);
  });

  test('changes of merged memories count as newer than them', async () => {
    const { snapshot } = await other();
    const here = open();
    const [merge] = await beginMerge(here, snapshot);
    await here.store.update(idOf(1), { text: 'changed here' });
    await here.store.purge([idOf(2)]);
    await merge;
    expect(await here.store.stats()).toMatchObject({ live: MEMORIES - 1, conflicts: 0 });
    expect(await here.store.getCurrent([idOf(1), idOf(2)])).toMatchObject([
      { text: 'changed here' },
      { state: 'purged' },
    ]);
  });
});

describe('a merge that is cut off', () => {
  test('is finished before the next backup, with what changed meanwhile', async () => {
    const there = await other();
    const here = await cutOff(open(), there.snapshot);
    expect(await problemsOf(here)).toEqual([]);
    expect((await here.replica.identity()).clock).toEqual({});
    await here.store.update(idOf(1), { text: 'changed here' });
    await here.store.purge([idOf(2)]);

    const published = await snapshotOf(here.replica);
    expect(published.clock).toMatchObject(there.snapshot.clock);
    expect(await liveIn(here)).toBe(MEMORIES - 1);
    expect(await problemsOf(here)).toEqual([]);
    expect(readdirSync(here.dataDir)).not.toContain('staging.sqlite');
    expect(await apply(here.replica, 'merge', there.snapshot)).toMatchObject({
      conflicts: 0,
      added: { count: 0 },
    });
    await apply(there.replica, 'merge', published);
    expect((await there.replica.identity()).stateDigest).toBe((await here.replica.identity()).stateDigest);
  });

  test('is finished when the leftovers of a killed process are removed', async () => {
    const { snapshot } = await other();
    const here = await cutOff(open(), snapshot);
    const lock = { run: <Result>(work: () => Promise<Result>): Promise<Result> => work() };
    await removeLeftovers(here.dataDir, { lock, finishMerge: () => here.replica.finishMerge() });
    expect(readdirSync(here.dataDir)).not.toContain('staging.sqlite');
    expect(await here.replica.identity()).toMatchObject({ clock: snapshot.clock, live: MEMORIES });
  });

  test('and whose collected snapshot is lost leaves versions of this machine, which the next merge completes', async () => {
    const there = await other();
    const here = await cutOff(open(), there.snapshot);
    rmSync(join(here.dataDir, 'staging.sqlite'));
    const merged = await liveIn(here);
    const { clock, states } = await snapshotOf(here.replica);
    expect(Object.values(clock)).toEqual([merged]);
    expect(states.flatMap(({ siblings }) => siblings.map(({ dot }) => dot.machine))).toEqual(
      Array.from({ length: merged }, () => Object.keys(clock)[0]),
    );
    expect(await problemsOf(here)).toEqual([]);
    await apply(here.replica, 'merge', there.snapshot);
    await apply(there.replica, 'merge', await snapshotOf(here.replica));
    expect(await here.replica.identity()).toMatchObject({ live: MEMORIES, conflicts: 0 });
    expect((await there.replica.identity()).stateDigest).toBe((await here.replica.identity()).stateDigest);
  });
});

test('words of erased memories are in no file after a merge in steps', async () => {
  const { store, replica } = open();
  const here = open();
  const ids = Array.from({ length: MEMORIES }, (_, index) => idOf(index + 1));
  const isErased = (index: number): boolean => index % 2 === 0;
  // Each erased word begins differently, because the index shortens words that begin alike.
  await store.add(
    ids.map((id, index) => draft(isErased(index) ? `${nameOf(index)}zanzibar` : 'kept', { id })),
  );
  await apply(here.replica, 'merge', await snapshotOf(replica));
  expect(await filesOf(here)).toContain('zanzibar');
  await store.purge(ids.filter((_, index) => isErased(index)));
  const report = await apply(here.replica, 'merge', await snapshotOf(replica));
  expect(report).toMatchObject({ applied: true, removed: { count: MEMORIES / 2 } });
  expect(await problemsOf(here)).toEqual([]);
  await here.store.close();
  const bytes = await filesOf(here);
  expect(bytes).toContain('kept');
  expect(bytes).not.toContain('zanzibar');
});

function nameOf(index: number): string {
  return String.fromCodePoint(97 + (index % 26)) + String.fromCodePoint(97 + Math.floor(index / 26));
}

/** Everything in the files of the data folder. */
function filesOf({ dataDir }: Machine): Promise<string> {
  const files = readdirSync(dataDir, { withFileTypes: true }).filter((entry) => entry.isFile());
  return Promise.resolve(files.map(({ name }) => readFileSync(join(dataDir, name), 'latin1')).join(''));
}

test('a merge over the limit changes nothing, not even for a moment', async () => {
  const there = await other();
  const here = open();
  await apply(here.replica, 'merge', there.snapshot);
  await there.store.delete(Array.from({ length: 25 }, (_, index) => idOf(index + 1)));
  const before = await here.replica.identity();
  const limit = { count: 20, share: 0.3 };
  const report = await apply(here.replica, 'merge', { ...(await snapshotOf(there.replica)), limit });
  expect(report).toMatchObject({ applied: false, held: true, removed: { count: 25 } });
  expect(report.after.stateDigest).toBe((await there.replica.identity()).stateDigest);
  expect(await here.replica.identity()).toEqual(before);
});

const LIMIT = { count: 20, share: 0.3 };

test('a merge within the limit is made once, and spends what it really removes', async () => {
  const there = await other();
  const here = open();
  await apply(here.replica, 'merge', there.snapshot);
  const ids = Array.from({ length: 25 }, (_, index) => idOf(index + 1));
  await there.store.delete(ids);
  // What was changed on both sides stays.
  for (const id of ids.slice(0, 15)) await here.store.update(id, { text: `changed here ${id}` });
  const takenBack = vi.spyOn(Connection.prototype, 'takeBack');
  const deleted = await apply(here.replica, 'merge', { ...(await snapshotOf(there.replica)), limit: LIMIT });
  expect(deleted).toMatchObject({ applied: true, removed: { count: 10 }, conflicts: 15 });
  expect(takenBack).not.toHaveBeenCalled();
  const again = await apply(here.replica, 'merge', { ...(await snapshotOf(there.replica)), limit: LIMIT });
  expect(again).toMatchObject({ applied: true, removedLately: 10, removed: { count: 0 } });
  takenBack.mockRestore();
});

test('live versions that remove memories with a deleted sibling count too', async () => {
  const here = open();
  const [a, b, c] = ['a', 'b', 'c'].map((digit) => digit.repeat(16)) as [string, string, string];
  const version = (
    machine: string,
    n: number,
    state: 'live' | 'deleted',
  ): MemoryState['siblings'][number] => ({
    dot: { machine, n },
    state,
    text: `text ${machine}`,
    ...{ tags: [], source: '', metadata: {}, createdAt: 1, updatedAt: 1, vectors: [] },
  });
  const numbers = Array.from({ length: 30 }, (_, index) => index + 1);
  const both = numbers.map((n) => ({
    id: idOf(n),
    siblings: [version(a, n, 'live'), version(b, n, 'deleted')],
  }));
  await apply(here.replica, 'merge', { states: both, clock: { [a]: 30, [b]: 30, [c]: 30 } });
  expect(await liveIn(here)).toBe(30);
  const live = numbers.map((n) => ({ id: idOf(n), siblings: [version(c, n, 'live')] }));
  const hostile = { states: live, clock: { [a]: 30, [c]: 30 }, limit: LIMIT };
  expect(await apply(here.replica, 'merge', hostile)).toMatchObject({ held: true, removed: { count: 30 } });
  expect(await liveIn(here)).toBe(30);
});
