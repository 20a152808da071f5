import { describe, expect, it } from 'vitest';
import { assembleReplica } from '../../src/store/assemble-replica.ts';
import type { MemoryState } from '../../src/backup/memory-state.ts';
import { openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';
import { draft } from '../helpers/drafts.ts';

async function statesOf(replica: ReturnType<typeof assembleReplica>, after = 0) {
  const view = await replica.openView();
  const states: MemoryState[] = [];
  for await (const state of view.changesSince(after)) states.push(state);
  await view.close();
  return { view, states };
}
async function* stream(states: readonly MemoryState[]) {
  yield* states;
}

describe('replica', () => {
  it('merges both ways', async () => {
    const a = openSqliteStore(temporaryFolder());
    const b = openSqliteStore(temporaryFolder());
    const ra = assembleReplica(a.replica);
    const rb = assembleReplica(b.replica);
    await a.add([draft('one'), draft('two')]);
    await b.add([draft('three')]);
    for (const [from, to] of [
      [ra, rb],
      [rb, ra],
    ] as const) {
      const { view, states } = await statesOf(from);
      const staged = await to.stage(stream(states));
      const dry = await staged.merge({ clock: view.clock, complete: true, dryRun: true });
      expect(dry.applied).toBe(false);
      const report = await staged.merge({ clock: view.clock, complete: true });
      expect(report.added.count).toBe(dry.added.count);
      expect(report.after).toEqual(dry.after);
      const before = await to.identity();
      await staged.merge({ clock: view.clock, complete: true });
      expect(await to.identity()).toEqual(before);
      await staged.close();
    }
    const [ia, ib] = [await ra.identity(), await rb.identity()];
    expect(ia.stateDigest).toBe(ib.stateDigest);
    expect((await a.checkIntegrity()).problems).toEqual([]);
    const { view, states } = await statesOf(ra);
    const [m] = (await a.list({ filter: {}, which: 'live', order: 'oldest', limit: 10 })).memories;
    await a.update(m?.id ?? '', { text: 'changed' });
    await a.add([draft('four')]);
    await a.delete([
      (await a.list({ filter: {}, which: 'live', order: 'newest', limit: 10 })).memories[1]?.id ?? '',
    ]);
    const staged = await ra.stage(stream(states));
    const report = await staged.restore({ clock: view.clock, complete: true });
    expect([report.added.count, report.changed.count, report.removed.count]).toEqual([1, 1, 1]);
    expect(report.after.contentDigest).toBe(view.contentDigest);
    expect((await a.checkIntegrity()).problems).toEqual([]);
    const machine = (await ra.identity()).machine;
    const fresh = await ra.takeNewIdentity(machine, 1);
    expect(fresh).not.toBe(machine);
    expect((await a.checkIntegrity()).problems).toEqual([]);
  });
});
