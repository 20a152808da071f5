import { describe, expect, test } from 'vitest';
import type { MemoryState } from '../../../src/backup/ports.ts';
import { MAX_COUNTER } from '../../../src/memory/version.ts';
import {
  apply,
  idOf,
  merge,
  shownBy,
  siblingsOf,
  snapshotOf,
  streamOf,
  useReplicas,
  type PrepareReplica,
} from './use-replicas.ts';

export function describeIdentity(prepare: PrepareReplica): void {
  const replicas = useReplicas(prepare);

  describe('a counter that nobody can have reached', () => {
    test('is found, and set back under a new identity when it is the own one', async () => {
      const a = replicas.create();
      await a.write(idOf(1), 'one');
      const { machine } = await a.replica.identity();
      const clock = { [machine]: Number.MAX_SAFE_INTEGER, aaaaaaaaaaaaaaaa: MAX_COUNTER + 7 };
      await apply(a.replica, 'merge', { clock, states: [] });
      const poisoned = await a.replica.identity();
      const shown = await shownBy(a);
      const looked = await a.replica.repairVector({ published: {}, fix: false, newIdentity: false });
      expect(looked.counters.map(({ own, claimed }) => [own, claimed])).toEqual(
        expect.arrayContaining([
          [true, Number.MAX_SAFE_INTEGER],
          [false, MAX_COUNTER + 7],
        ]),
      );
      expect(await a.replica.identity()).toEqual(poisoned);

      const fixed = await a.replica.repairVector({ published: {}, fix: true, newIdentity: false });

      expect(fixed.machine).not.toBe(machine);
      const after = await a.replica.identity();
      expect(after.clock).toEqual({ [fixed.machine]: 1 });
      expect(after.contentDigest).toBe(poisoned.contentDigest);
      expect(await shownBy(a)).toEqual(shown);
      await a.write(idOf(2), 'two');
      const again = await a.replica.repairVector({ published: {}, fix: false, newIdentity: false });
      expect(again.counters).toEqual([]);
    });

    test('is set back to the writes that are here, so that what a false claim kept out can come in', async () => {
      const [a, b] = [replicas.create(), replicas.create()];
      await b.write(idOf(1), 'one');
      await merge(b, a);
      const { machine } = await b.replica.identity();
      await apply(a.replica, 'merge', { ...(await snapshotOf(b.replica)), clock: { [machine]: 500 } });
      await b.write(idOf(2), 'two');

      const repair = { published: { [machine]: 2 }, fix: true, newIdentity: false };
      const { counters } = await a.replica.repairVector(repair);
      await merge(b, a);

      expect(counters).toEqual([{ machine, own: false, claimed: 500, believed: 1 }]);
      expect(await siblingsOf(a, idOf(2))).toEqual(await siblingsOf(b, idOf(2)));
    });
  });

  describe('a new identity', () => {
    test('writes again what was not shared, in order, and changes nothing that users see', async () => {
      const a = replicas.create();
      await a.write(idOf(1), 'one');
      await a.write(idOf(2), 'two');
      await a.write(idOf(3), 'three');
      const before = await a.replica.identity();
      const shown = await shownBy(a);
      const fresh = await a.replica.takeNewIdentity(before.machine, 1);
      expect(fresh).toMatch(/^[0-9a-f]{16}$/);
      const after = await a.replica.identity();
      expect(after).toMatchObject({ machine: fresh, contentDigest: before.contentDigest, live: 3 });
      expect(after.clock).toEqual({ [before.machine]: 1, [fresh]: 2 });
      expect(after.sequence).toBe(before.sequence + 2);
      const dots = await Promise.all(
        [1, 2, 3].map(async (number) => (await siblingsOf(a, idOf(number)))[0]?.dot),
      );
      expect(dots).toEqual([
        { machine: before.machine, n: 1 },
        { machine: fresh, n: 1 },
        { machine: fresh, n: 2 },
      ]);
      expect(await shownBy(a)).toEqual(shown);
      await a.write(idOf(4), 'four');
      expect((await siblingsOf(a, idOf(4)))[0]?.dot).toEqual({ machine: fresh, n: 3 });
      expect(await a.problems()).toEqual([]);
    });

    test('is taken once, and forgets a machine that shared nothing', async () => {
      const a = replicas.create();
      await a.write(idOf(1), 'one');
      const { machine } = await a.replica.identity();
      const fresh = await a.replica.takeNewIdentity(machine, 0);
      expect(await a.replica.takeNewIdentity(machine, 0)).toBe(fresh);
      expect((await a.replica.identity()).clock).toEqual({ [fresh]: 1 });
      const unused = replicas.create();
      const { machine: unusedMachine } = await unused.replica.identity();
      await unused.replica.takeNewIdentity(unusedMachine, 0);
      expect((await unused.replica.identity()).clock).toEqual({});
    });

    test('lets two copies of a folder agree without losing a write of either', async () => {
      const [a, b] = [replicas.create(), replicas.create()];
      await a.write(idOf(1), 'shared');
      const copy = await snapshotOf(a.replica);
      const { machine } = await a.replica.identity();
      await a.write(idOf(1), 'of a');
      await apply(b.replica, 'merge', copy);
      await b.write(idOf(1), 'of b');
      await a.replica.takeNewIdentity(machine, 1);
      await merge(a, b);
      await merge(b, a);
      expect((await siblingsOf(a, idOf(1))).map(({ text }) => text).sort()).toEqual(['of a', 'of b']);
      expect((await a.replica.identity()).stateDigest).toBe((await b.replica.identity()).stateDigest);
      expect([await a.problems(), await b.problems()]).toEqual([[], []]);
    });
  });

  describe('a view', () => {
    test('stays as it was while others write', async () => {
      const a = replicas.create();
      await a.write(idOf(1), 'one');
      const view = await a.replica.openView();
      const identity = await a.replica.identity();
      await a.write(idOf(1), 'changed');
      await a.write(idOf(2), 'two');
      const states: MemoryState[] = [];
      for await (const state of view.changesSince(0)) states.push(state);
      expect(states).toMatchObject([{ id: idOf(1), siblings: [{ text: 'one' }] }]);
      const { machine, sequence, stateDigest, contentDigest, clock } = identity;
      expect(view).toMatchObject({ machine, sequence, stateDigest, contentDigest, clock });
      expect(view.facts).toEqual({ memories: 1, live: 1, trash: 0 });
      await view.close();
      await view.close();
      await a.write(idOf(3), 'three');
      expect(await shownBy(a)).toEqual({ 1: 'changed', 2: 'two', 3: 'three' });
    });

    test('tells what changed since a sequence number, each memory once', async () => {
      const [a, b] = [replicas.create(), replicas.create()];
      await a.write(idOf(1), 'one');
      await a.write(idOf(2), 'two');
      const { sequence } = await snapshotOf(a.replica);
      expect((await snapshotOf(a.replica, sequence)).states).toEqual([]);
      await a.delete(idOf(2));
      await b.write(idOf(3), 'three');
      await b.write(idOf(3), 'three again');
      await merge(b, a);
      const { states } = await snapshotOf(a.replica, sequence);
      expect(states.map(({ id }) => id).sort()).toEqual([idOf(2), idOf(3)]);
    });
  });

  describe('a stage', () => {
    test('that fails while it is filled leaves nothing and can be made again', async () => {
      const [a, b] = [replicas.create(), replicas.create()];
      await a.write(idOf(1), 'one');
      const { states, clock } = await snapshotOf(a.replica);
      async function* failing(): AsyncGenerator<MemoryState> {
        yield* streamOf(states);
        throw new Error('the download broke');
      }
      await expect(b.replica.stage(failing())).rejects.toThrow('the download broke');
      const staged = await b.replica.stage(streamOf(states));
      expect(staged.memories).toBe(1);
      expect(await staged.merge({ clock, complete: true, dryRun: true })).toMatchObject({
        added: { count: 1 },
      });
      expect(await staged.merge({ clock, complete: true })).toMatchObject({ added: { count: 1 } });
      await staged.close();
      await staged.close();
    });
  });

  describe('the journal', () => {
    test('remembers commits and seen heads by place', async () => {
      const { replica } = replicas.create();
      const commit = { commitId: 'aa', seq: 1, ownWrites: 5, sealed: true };
      await replica.recordAttempt('here', commit);
      await replica.recordAttempt('here', { ...commit, commitId: 'bb', seq: 2, sealed: false });
      expect(await replica.findAttempt('here', 'aa')).toEqual(commit);
      expect(await replica.findAttempt('here', 'bb')).toMatchObject({ seq: 2, sealed: false });
      expect(await replica.findAttempt('there', 'aa')).toBeNull();
      await replica.recordSeen('here', 'm1', { commitId: 'aa', seq: 1 });
      await replica.recordSeen('here', 'm1', { commitId: 'bb', seq: 2 });
      expect(await replica.findSeen('here', 'm1')).toEqual({ commitId: 'bb', seq: 2 });
      expect(await replica.findSeen('here', 'm2')).toBeNull();
    });

    test('keeps notes until they are removed', async () => {
      const { replica } = replicas.create();
      expect(await replica.readNote('a')).toBeNull();
      await replica.writeNote('a', { at: 1, list: ['x', null] });
      await replica.writeNote('b', false);
      expect(await replica.readNote('a')).toEqual({ at: 1, list: ['x', null] });
      await replica.writeNote('a', null);
      expect([await replica.readNote('a'), await replica.readNote('b')]).toEqual([null, false]);
    });
  });
}
