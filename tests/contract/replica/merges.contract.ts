import { describe, expect, test } from 'vitest';
import { StateChangedError } from '../../../src/errors/input-errors.ts';
import type { ApplyRequest, ChangeReport } from '../../../src/store/replica-store.ts';
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

export function describeMerges(prepare: PrepareReplica): void {
  const replicas = useReplicas(prepare);

  describe('a merge', () => {
    test('takes what is new, and nothing the second time, not even a sequence number', async () => {
      const [a, b] = [replicas.create(), replicas.create()];
      await a.write(idOf(1), 'one');
      await a.write(idOf(2), 'two');
      await b.write(idOf(3), 'three');
      expect(await merge(a, b)).toMatchObject({
        applied: true,
        held: false,
        added: { count: 2, examples: [{ id: idOf(1), text: 'one' }, { text: 'two' }] },
        changed: { count: 0 },
        removed: { count: 0 },
        reusedDots: 0,
        missingIds: 0,
      });
      expect(await shownBy(b)).toEqual({ 1: 'one', 2: 'two', 3: 'three' });
      const before = await b.replica.identity();
      expect(await merge(a, b)).toMatchObject({ added: { count: 0 }, missingIds: 0 });
      expect(await b.replica.identity()).toEqual(before);
      await merge(b, a);
      expect((await a.replica.identity()).stateDigest).toBe(before.stateDigest);
      expect([await a.problems(), await b.problems()]).toEqual([[], []]);
    });

    test('joins the clocks also when no memory changes', async () => {
      const [a, b] = [replicas.create(), replicas.create()];
      await a.write(idOf(1), 'one');
      await merge(a, b);
      const { sequence } = await b.replica.identity();
      const clock = { ...(await snapshotOf(a.replica)).clock, bbbb00000000cccc: 7 };
      await apply(b.replica, 'merge', { states: [], clock, complete: false });
      expect(await b.replica.identity()).toMatchObject({ sequence, clock });
    });

    test('keeps both of two concurrent changes, and shows the same one everywhere', async () => {
      const [a, b] = [replicas.create(), replicas.create()];
      await a.write(idOf(1), 'one');
      await merge(a, b);
      await a.write(idOf(1), 'changed by a');
      await b.write(idOf(1), 'changed by b');
      expect((await merge(a, b)).conflicts).toBe(1);
      expect((await merge(b, a)).conflicts).toBe(1);
      expect(await siblingsOf(a, idOf(1))).toHaveLength(2);
      expect(await shownBy(a)).toEqual(await shownBy(b));
      expect(await a.replica.identity()).toMatchObject({ conflicts: 1, live: 1 });
      await a.write(idOf(1), 'settled');
      await merge(a, b);
      expect(await b.replica.identity()).toMatchObject({ conflicts: 0 });
      expect(await shownBy(b)).toEqual({ 1: 'settled' });
      expect(await b.problems()).toEqual([]);
    });

    test('removes what was deleted there, and never what is absent there', async () => {
      const [a, b] = [replicas.create(), replicas.create()];
      await a.write(idOf(1), 'one');
      await merge(a, b);
      await b.write(idOf(2), 'two');
      await a.delete(idOf(1));
      expect(await merge(a, b)).toMatchObject({
        removed: { count: 1, examples: [{ id: idOf(1), text: 'one' }] },
        missingIds: 0,
      });
      expect(await shownBy(b)).toEqual({ 2: 'two' });
      expect(await b.replica.identity()).toMatchObject({ live: 1, trash: 1, memories: 2 });
    });

    test('takes the content out of what was stripped or purged there', async () => {
      const [a, b] = [replicas.create(), replicas.create()];
      await a.write(idOf(1), 'stripped');
      await a.write(idOf(2), 'purged');
      await a.delete(idOf(1));
      await merge(a, b);
      expect(await siblingsOf(b, idOf(1))).toMatchObject([{ state: 'deleted', text: 'stripped' }]);
      await a.strip();
      await a.purge(idOf(2));
      expect(await merge(a, b)).toMatchObject({ removed: { count: 1 } });
      expect(await siblingsOf(b, idOf(1))).toMatchObject([{ state: 'stripped', text: '' }]);
      expect(await siblingsOf(b, idOf(2))).toMatchObject([{ state: 'purged', text: '' }]);
      expect((await b.replica.identity()).stateDigest).toBe((await a.replica.identity()).stateDigest);
      // The other way round, content that is still in the trash there does not come back.
      const [c, d] = [replicas.create(), replicas.create()];
      await c.write(idOf(1), 'one');
      await c.delete(idOf(1));
      await merge(c, d);
      await d.strip();
      await merge(c, d);
      expect(await siblingsOf(d, idOf(1))).toMatchObject([{ state: 'stripped', text: '' }]);
      expect(await b.problems()).toEqual([]);
    });

    test('reports ids that one side has lost, and keeps them', async () => {
      const [a, b] = [replicas.create(), replicas.create()];
      await a.write(idOf(1), 'one');
      await a.write(idOf(2), 'two');
      await merge(a, b);
      const { states, clock } = await snapshotOf(a.replica);
      const without1 = { states: states.filter(({ id }) => id !== idOf(1)), clock };
      expect(await apply(b.replica, 'merge', { ...without1, complete: false })).toMatchObject({
        missingIds: 0,
      });
      expect(await apply(b.replica, 'merge', without1)).toMatchObject({
        missingIds: 1,
        removed: { count: 0 },
      });
      const c = replicas.create();
      await apply(c.replica, 'merge', without1);
      expect(await merge(a, c)).toMatchObject({ missingIds: 1, added: { count: 1 } });
      expect(await shownBy(c)).toEqual({ 1: 'one', 2: 'two' });
    });

    test('keeps both writes of a dot that was used twice', async () => {
      const [a, b] = [replicas.create(), replicas.create()];
      await a.write(idOf(1), 'one');
      const { states, clock } = await snapshotOf(a.replica);
      const twin = states.map(({ id, siblings }) => ({
        id,
        siblings: siblings.map((version) => ({ ...version, text: 'another one' })),
      }));
      await apply(b.replica, 'merge', { states, clock });
      expect(await apply(b.replica, 'merge', { states: twin, clock })).toMatchObject({
        reusedDots: 1,
        conflicts: 1,
      });
      const texts = (await siblingsOf(b, idOf(1))).map(({ text }) => text);
      expect(texts.sort()).toEqual(['another one', 'one']);
      await merge(b, a);
      expect((await siblingsOf(a, idOf(1))).map(({ text }) => text).sort()).toEqual(texts);
      expect((await a.replica.identity()).stateDigest).toBe((await b.replica.identity()).stateDigest);
      expect([await a.problems(), await b.problems()]).toEqual([[], []]);
    });
  });

  describe('a request', () => {
    test('for a dry run changes nothing and reports what the merge then does', async () => {
      const [a, b] = [replicas.create(), replicas.create()];
      await a.write(idOf(1), 'one');
      await b.write(idOf(2), 'two');
      const before = await b.replica.identity();
      const { states, clock } = await snapshotOf(a.replica);
      const note = { name: 'merged', value: ['x', 1] };
      const dry = await apply(b.replica, 'merge', { states, clock, note, dryRun: true });
      expect(await b.replica.identity()).toEqual(before);
      expect(await b.replica.readNote('merged')).toBeNull();
      const real = await apply(b.replica, 'merge', { states, clock, note });
      expect(dry).toMatchObject({ ...real, applied: false });
      expect(await b.replica.readNote('merged')).toEqual(['x', 1]);
      expect(await b.replica.identity()).toMatchObject(real.after);
      expect(await b.problems()).toEqual([]);
    });

    test('with a limit is held back only when it removes more than both numbers', async () => {
      const [a, b] = [replicas.create(), replicas.create()];
      for (let number = 1; number <= 4; number += 1) await a.write(idOf(number), `text ${number}`);
      await merge(a, b);
      await a.delete(idOf(1));
      await a.delete(idOf(2));
      const before = await b.replica.identity();
      const request = await snapshotOf(a.replica);
      const held = await apply(b.replica, 'merge', { ...request, limit: { count: 1, share: 0.4 } });
      expect(held).toMatchObject({ applied: false, held: true, removed: { count: 2 } });
      expect(await b.replica.identity()).toEqual(before);
      for (const limit of [
        { count: 2, share: 0.1 },
        { count: 1, share: 0.5 },
      ]) {
        const dry = await apply(b.replica, 'merge', { ...request, limit, dryRun: true });
        expect(dry).toMatchObject({ applied: false, held: false });
      }
      const limit = { count: 2, share: 0.1 };
      expect(await apply(b.replica, 'merge', { ...request, limit })).toMatchObject({ applied: true });
    });

    test('with a limit counts the removals of 24 hours together, and begins anew when the user agrees', async () => {
      const [a, b] = [replicas.create(), replicas.create()];
      for (let number = 1; number <= 9; number += 1) await a.write(idOf(number), `text ${number}`);
      await merge(a, b);
      const limit = { count: 3, share: 0.3 };
      const step = async (number: number, more: Partial<ApplyRequest> = {}): Promise<ChangeReport> => {
        await a.purge(idOf(number));
        await a.delete(idOf(number + 1));
        return apply(b.replica, 'merge', { ...(await snapshotOf(a.replica)), limit, ...more });
      };
      expect(await step(1)).toMatchObject({ applied: true, removedLately: 0 });
      const wanted = { applied: false, held: true, removedLately: 2, removed: { count: 2 } };
      expect(await step(3)).toMatchObject(wanted);
      expect(await step(3)).toMatchObject({ ...wanted, removed: { ids: [idOf(3), idOf(4)] } });
      expect((await b.replica.identity()).live).toBe(7);
      expect(await step(3, { confirmed: true })).toMatchObject({ applied: true, held: false });
      expect(await step(5)).toMatchObject({ applied: true, removedLately: 0 });
    });

    test('that expects another state changes nothing', async () => {
      const [a, b] = [replicas.create(), replicas.create()];
      await a.write(idOf(1), 'one');
      const { stateDigest: expectedState } = await b.replica.identity();
      await b.write(idOf(2), 'two');
      const before = await b.replica.identity();
      for (const how of ['merge', 'restore'] as const) {
        const refused = apply(b.replica, how, { ...(await snapshotOf(a.replica)), expectedState });
        await expect(refused).rejects.toBeInstanceOf(StateChangedError);
      }
      expect(await b.replica.identity()).toEqual(before);
      const request = { ...(await snapshotOf(a.replica)), expectedState: before.stateDigest };
      expect(await apply(b.replica, 'merge', request)).toMatchObject({ applied: true });
    });
  });
}
