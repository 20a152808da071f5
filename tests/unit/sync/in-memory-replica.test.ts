import { expect, test } from 'vitest';
import type { SnapshotView } from '../../../src/backup/ports.ts';
import type { ChangeReport } from '../../../src/store/replica-store.ts';
import { InMemoryReplica } from '../../helpers/in-memory-replica.ts';
import { idOf } from '../../helpers/model-store.ts';

async function pull(
  from: InMemoryReplica,
  into: InMemoryReplica,
  mode: 'merge' | 'restore' = 'merge',
): Promise<ChangeReport> {
  const view: SnapshotView = await from.openView();
  const staged = await into.stage(view.changesSince(0));
  return staged[mode]({ clock: view.clock, complete: true });
}

test('merging twice changes nothing the second time', async () => {
  const [a, b] = [new InMemoryReplica(), new InMemoryReplica()];
  a.write(idOf(1), 'one');
  expect(await pull(a, b)).toMatchObject({ applied: true, added: { count: 1, examples: [{ text: 'one' }] } });
  const before = await b.identity();
  await pull(a, b);
  expect(await b.identity()).toEqual(before);
  expect(before.stateDigest).toBe((await a.identity()).stateDigest);
});

test('a restore gives the content of the snapshot back and is a new write', async () => {
  const a = new InMemoryReplica();
  a.write(idOf(1), 'one');
  a.write(idOf(2), 'two');
  const old = a.clone();
  a.write(idOf(1), 'changed');
  a.delete(idOf(2));
  a.write(idOf(3), 'three');
  const report = await pull(old, a, 'restore');
  expect(report).toMatchObject({ added: { count: 1 }, changed: { count: 1 }, removed: { count: 1 } });
  expect(report.after.contentDigest).toBe((await old.identity()).contentDigest);
  expect(a.table.clock).toEqual({ [a.machine]: 8 });
});

test('a new identity writes again what was not shared, and nothing that users see changes', async () => {
  const a = new InMemoryReplica();
  a.write(idOf(1), 'one');
  a.write(idOf(2), 'two');
  const before = await a.identity();
  await a.takeNewIdentity(before.machine, 1);
  const after = await a.identity();
  expect(after.clock).toEqual({ [before.machine]: 1, [after.machine]: 1 });
  expect(after.contentDigest).toBe(before.contentDigest);
  expect(await a.takeNewIdentity(before.machine, 0)).toBe(after.machine);
});
