import { describe, expect, test } from 'vitest';
import { assembleReplica } from '../../src/store/worker/client.ts';
import type { ApplyRequest, ChangeReport } from '../../src/store/replica-store.ts';
import type { SqliteMemoryStore } from '../../src/store/sqlite/sqlite-memory-store.ts';
import { apply, idOf, snapshotOf } from '../contract/replica/use-replicas.ts';
import { draft } from '../helpers/drafts.ts';
import { openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';

const DAY_MS = 86_400_000;
const NOON = Date.UTC(2026, 0, 31, 12);
const SECRET = { id: idOf(1), tags: ['door'], source: 'notes', metadata: { owner: 'eva' } };

interface Machine {
  readonly store: SqliteMemoryStore;
  readonly replica: ReturnType<typeof assembleReplica>;
  readonly clock: { now: number };
}

function open(dataDir = temporaryFolder()): Machine {
  const clock = { now: NOON };
  const store = openSqliteStore(dataDir, { now: () => clock.now });
  return { store, replica: assembleReplica(store.replica), clock };
}

async function pull(to: Machine, from: Machine, more: Partial<ApplyRequest> = {}): Promise<ChangeReport> {
  return apply(to.replica, 'merge', { ...(await snapshotOf(from.replica)), hidePurged: true, ...more });
}

/** Two machines with the same memory, which the first one then erases; the second one has merged that. */
async function erasedElsewhere(more: Partial<ApplyRequest> = {}): Promise<{ a: Machine; b: Machine }> {
  const [a, b] = [open(), open()];
  await a.store.add([draft('the code is 4711', SECRET), draft('another', { id: idOf(2) })]);
  await pull(b, a);
  await a.store.purge([idOf(1)]);
  b.clock.now += DAY_MS;
  await pull(b, a, more);
  return { a, b };
}

const trash = { which: 'trash', order: 'newest', limit: 10 } as const;

async function inTrash({ store }: Machine, filter = {}): Promise<string[]> {
  const { memories, total } = await store.list({ ...trash, filter });
  expect(total).toBe(memories.length);
  return memories.map(({ text }) => text);
}

async function expectEqual(...machines: readonly Machine[]): Promise<void> {
  const digests = await Promise.all(
    machines.map(async ({ replica }) => (await replica.identity()).stateDigest),
  );
  expect(new Set(digests).size).toBe(1);
  for (const { store } of machines) expect((await store.checkIntegrity()).problems).toEqual([]);
}

describe('a memory that another machine erased', () => {
  test('stays in the trash with its kind and its session until its content is gone', async () => {
    const [a, b] = [open(), open()];
    const metadata = { kind: 'conversation', session: 's1', position: 0, role: 'user' };
    await a.store.add([draft('the code is 4711', { ...SECRET, metadata })]);
    await pull(b, a);
    await a.store.purge([idOf(1)]);
    await pull(b, a);
    expect(await inTrash(b, { session: 's1', kind: 'conversation' })).toEqual(['the code is 4711']);
    await expectEqual(a, b);
    await b.store.restore([idOf(1)]);
    expect(await b.store.matching({ session: 's1' })).toEqual([idOf(1)]);
    await b.store.purge([idOf(1)]);
    await expectEqual(b);
  });

  test('is hidden: neither searched nor sent, shown in the trash with its reason, and the machines are equal', async () => {
    const { a, b } = await erasedElsewhere();
    expect((await b.store.candidates({ filter: {}, limit: 5, words: '4711' })).words).toEqual([]);
    expect(await b.store.matching({})).toEqual([idOf(2)]);
    const { states } = await snapshotOf(b.replica);
    expect(JSON.stringify(states)).not.toContain('4711');
    const { machine } = await a.replica.identity();
    const [shown] = (await b.store.list({ ...trash, filter: {} })).memories;
    expect(shown).toMatchObject({ ...SECRET, text: 'the code is 4711', state: 'purged' });
    expect(shown).toMatchObject({ dot: { machine }, hiddenAt: NOON + DAY_MS });
    expect(await b.store.stats()).toMatchObject({ live: 1, trash: 0, hidden: 1 });
    expect(await a.store.stats()).toMatchObject({ live: 1, hidden: 0 });
    await expectEqual(a, b);
  });

  test('is found in the trash by tags, source, metadata and page', async () => {
    const { b } = await erasedElsewhere();
    await b.store.add([draft('deleted here', { id: idOf(3), source: 'else' })]);
    await b.store.delete([idOf(3)]);
    for (const filter of [{ tagsAny: ['door'] }, { sourcePrefix: 'no' }, { metadata: { owner: 'eva' } }])
      expect(await inTrash(b, filter)).toEqual(['the code is 4711']);
    expect(await inTrash(b, { sourcePrefix: 'x' })).toEqual([]);
    expect((await inTrash(b)).sort()).toEqual(['deleted here', 'the code is 4711']);
    const first = await b.store.list({ ...trash, limit: 1, filter: {} });
    const second = await b.store.list({ ...trash, limit: 1, filter: {}, cursor: first.nextCursor ?? '' });
    expect([...first.memories, ...second.memories]).toHaveLength(2);
  });

  test('comes back with its content on every machine, also on the one that erased it', async () => {
    const { a, b } = await erasedElsewhere();
    const c = open();
    await pull(c, b);
    const [back] = await b.store.restore([idOf(1)]);
    expect(back).toMatchObject({ ...SECRET, text: 'the code is 4711', state: 'live' });
    for (const machine of [a, c]) {
      await pull(machine, b);
      expect(await machine.store.getCurrent([idOf(1)])).toMatchObject([{ ...SECRET, state: 'live' }]);
    }
    expect(await inTrash(b)).toEqual([]);
    expect(await b.store.stats()).toMatchObject({ live: 2, hidden: 0 });
    // The erasure is known everywhere, so it does not win a second time.
    await pull(b, a);
    expect((await b.store.getCurrent([idOf(1)]))[0]?.state).toBe('live');
    await expectEqual(a, b, c);
  });

  test('is erased when its time has passed since it arrived, and not before', async () => {
    const { a, b } = await erasedElsewhere();
    b.clock.now += 30 * DAY_MS - 1;
    expect(await b.store.expireHidden(30 * DAY_MS)).toBe(0);
    expect(await inTrash(b)).toHaveLength(1);
    b.clock.now += 1;
    expect(await b.store.expireHidden(30 * DAY_MS)).toBe(1);
    expect(await inTrash(b)).toEqual([]);
    await expect(b.store.restore([idOf(1)])).rejects.toThrow(/erased/);
    expect((await b.store.stats()).hidden).toBe(0);
    await expectEqual(a, b);
  });

  test('is erased at once when it is erased here too, which changes no version', async () => {
    const { a, b } = await erasedElsewhere();
    expect(await b.store.purge([idOf(1)])).toBe(1);
    expect(await b.store.purge([idOf(1)])).toBe(0);
    expect(await inTrash(b)).toEqual([]);
    await expectEqual(a, b);
  });

  test('is erased at once when the setting says so', async () => {
    const { a, b } = await erasedElsewhere({ hidePurged: false });
    expect(await inTrash(b)).toEqual([]);
    await expectEqual(a, b);
  });

  test('keeps its content when it was in the trash, or was deleted here at the same time', async () => {
    const [a, b] = [open(), open()];
    await a.store.add([draft('one', { id: idOf(1) }), draft('two', { id: idOf(2) })]);
    await a.store.delete([idOf(1)]);
    await pull(b, a);
    await b.store.delete([idOf(2)]);
    await a.store.purge([idOf(1), idOf(2)]);
    await pull(b, a);
    expect((await inTrash(b)).sort()).toEqual(['one', 'two']);
    await pull(a, b);
    await expectEqual(a, b);
  });

  test('is hidden no more when another machine brings it back or moves it to the trash', async () => {
    const { a, b } = await erasedElsewhere();
    const c = open();
    await c.store.add([draft('of c', { id: idOf(3) })]);
    await pull(c, b);
    await pull(b, c);
    await a.store.import([draft('again', { id: idOf(4) })]);
    await pull(c, a);
    await b.store.restore([idOf(1)]);
    await b.store.delete([idOf(1)]);
    await pull(c, b);
    expect((await c.store.stats()).hidden).toBe(0);
    expect(await inTrash(c)).toEqual(['the code is 4711']);
    await pull(b, c);
    await expectEqual(b, c);
  });
});

describe('a restore of the own backup', () => {
  test('brings back what others erased, and counts it; what was erased here stays erased', async () => {
    const [a, b] = [open(), open()];
    const ids = [1, 2, 3].map(idOf);
    await a.store.add(ids.map((id) => draft(`text ${id}`, { id })));
    await pull(b, a);
    const backup = await snapshotOf(b.replica);
    await a.store.purge([idOf(1), idOf(2)]);
    await b.store.purge([idOf(3)]);
    await pull(b, a);
    await b.store.expireHidden(-1);
    // Confirmed here, although nothing was left to erase.
    await b.store.purge([idOf(2)]);
    const request = { ...backup, bringBack: true };
    const wanted = { broughtBack: 1, keptErased: 2, added: { count: 1 } };
    expect(await apply(b.replica, 'restore', { ...request, dryRun: true })).toMatchObject(wanted);
    expect(await apply(b.replica, 'restore', request)).toMatchObject(wanted);
    expect(await b.store.matching({})).toEqual([idOf(1)]);
    await pull(a, b);
    expect(await a.store.matching({})).toEqual([idOf(1)]);
    await expectEqual(a, b);
  });

  test('keeps erased what was erased here under a former machine id', async () => {
    const b = open();
    await b.store.add([draft('mine', { id: idOf(1) })]);
    const backup = await snapshotOf(b.replica);
    await b.store.purge([idOf(1)]);
    const { machine } = await b.replica.identity();
    await b.replica.takeNewIdentity(machine, 2);
    const report = await apply(b.replica, 'restore', { ...backup, bringBack: true });
    expect(report).toMatchObject({ broughtBack: 0, keptErased: 1 });
    expect(await b.store.matching({})).toEqual([]);
  });
});
