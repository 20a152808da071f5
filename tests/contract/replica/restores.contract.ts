import { describe, expect, test } from 'vitest';
import {
  apply,
  idOf,
  merge,
  shownBy,
  siblingsOf,
  snapshotOf,
  useReplicas,
  type PrepareReplica,
} from './use-replicas.ts';

export function describeRestores(prepare: PrepareReplica): void {
  const replicas = useReplicas(prepare);

  describe('a restore', () => {
    test('shows what the snapshot shows, by new versions, and can be undone', async () => {
      const a = replicas.create();
      await a.write(idOf(1), 'one');
      await a.write(idOf(2), 'two');
      await a.write(idOf(3), 'three');
      await a.delete(idOf(3));
      const old = await snapshotOf(a.replica);
      await a.write(idOf(1), 'changed');
      await a.delete(idOf(2));
      await a.write(idOf(3), 'again');
      await a.write(idOf(4), 'four');
      const recent = await snapshotOf(a.replica);
      const dry = await apply(a.replica, 'restore', { ...old, dryRun: true });
      expect(await a.replica.identity()).toMatchObject({ stateDigest: recent.stateDigest });
      const report = await apply(a.replica, 'restore', old);
      expect(report).toMatchObject({
        applied: true,
        added: { count: 1, examples: [{ id: idOf(2), text: 'two' }] },
        changed: { count: 1, examples: [{ id: idOf(1), text: 'one' }] },
        removed: { count: 2 },
        keptErased: 0,
        missingIds: 0,
      });
      expect(dry.added).toMatchObject(report.added);
      expect(report.after.contentDigest).toBe(old.contentDigest);
      expect(await a.replica.identity()).toMatchObject(report.after);
      expect(await shownBy(a)).toEqual({ 1: 'one', 2: 'two' });
      const [first] = await siblingsOf(a, idOf(1));
      const [firstThen] = old.states.find(({ id }) => id === idOf(1))?.siblings ?? [];
      expect(first).toMatchObject({ createdAt: firstThen?.createdAt, updatedAt: firstThen?.updatedAt });
      expect(first?.dot).not.toEqual(firstThen?.dot);
      const undone = await apply(a.replica, 'restore', recent);
      expect(undone.after.contentDigest).toBe(recent.contentDigest);
      expect(await shownBy(a)).toEqual({ 1: 'changed', 3: 'again', 4: 'four' });
      expect(await a.problems()).toEqual([]);
    });

    test('of what is there already writes nothing', async () => {
      const a = replicas.create();
      await a.write(idOf(1), 'one');
      await a.write(idOf(2), 'two');
      await a.delete(idOf(2));
      const before = await a.replica.identity();
      const report = await apply(a.replica, 'restore', await snapshotOf(a.replica));
      expect(report).toMatchObject({ added: { count: 0 }, changed: { count: 0 }, removed: { count: 0 } });
      expect(await a.replica.identity()).toEqual(before);
    });

    test('is agreed to by machines that merge later', async () => {
      const [a, b] = [replicas.create(), replicas.create()];
      await a.write(idOf(1), 'one');
      const old = await snapshotOf(a.replica);
      await a.write(idOf(1), 'changed');
      await a.write(idOf(2), 'two');
      await merge(a, b);
      await apply(a.replica, 'restore', old);
      await merge(a, b);
      expect(await shownBy(b)).toEqual({ 1: 'one' });
      expect((await b.replica.identity()).stateDigest).toBe((await a.replica.identity()).stateDigest);
      expect(await b.problems()).toEqual([]);
    });

    test('of another machine replaces what is shown and loses no write', async () => {
      const [a, b] = [replicas.create(), replicas.create()];
      await a.write(idOf(1), 'of a');
      await b.write(idOf(2), 'of b');
      const snapshot = await snapshotOf(a.replica);
      expect(await apply(b.replica, 'restore', snapshot)).toMatchObject({
        added: { count: 1 },
        removed: { count: 1 },
      });
      expect(await shownBy(b)).toEqual({ 1: 'of a' });
      expect(await siblingsOf(b, idOf(2))).toMatchObject([{ state: 'deleted', text: 'of b' }]);
      expect((await b.replica.identity()).contentDigest).toBe(snapshot.contentDigest);
    });

    test('brings content back that was stripped, and leaves erased what was erased on demand', async () => {
      const a = replicas.create();
      await a.write(idOf(1), 'one');
      await a.write(idOf(2), 'secret');
      const old = await snapshotOf(a.replica);
      await a.delete(idOf(1));
      await a.strip();
      await a.purge(idOf(2));
      const report = await apply(a.replica, 'restore', old);
      expect(report).toMatchObject({ added: { count: 1 }, keptErased: 1 });
      expect(await shownBy(a)).toEqual({ 1: 'one' });
      expect(await siblingsOf(a, idOf(2))).toMatchObject([{ state: 'purged', text: '' }]);
      expect(await a.problems()).toEqual([]);
    });

    test('needs the whole snapshot', async () => {
      const a = replicas.create();
      await a.write(idOf(1), 'one');
      const before = await a.replica.identity();
      const refused = apply(a.replica, 'restore', { states: [], clock: {}, complete: false });
      await expect(refused).rejects.toThrow(/complete snapshot/);
      expect(await a.replica.identity()).toEqual(before);
    });
  });
}
