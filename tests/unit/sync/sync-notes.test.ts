import { expect, test } from 'vitest';
import { SyncNotes } from '../../../src/sync/notes.ts';
import { InMemoryReplica } from '../../helpers/in-memory-replica.ts';

const problem = { code: 'access-denied', message: 'The key may not write there', at: 1 };

test('parts that change at the same time are all remembered', async () => {
  const replica = new InMemoryReplica();
  const notes = new SyncNotes(replica, 'remote:test');
  await notes.change({ pushProblem: problem });

  await Promise.all([
    notes.change({ lastPush: { value: { snapshot: 'auto_20260101_000000' }, at: 2 } }),
    notes.change({ reachable: { value: true, at: 3 } }),
    notes.change({ pushProblem: null }),
    notes.change({ remoteClock: { aaaa000000000001: 4 } }),
  ]);

  await expect(new SyncNotes(replica, 'remote:test').read()).resolves.toMatchObject({
    lastPush: { value: { snapshot: 'auto_20260101_000000' }, at: 2 },
    reachable: { value: true, at: 3 },
    pushProblem: null,
    remoteClock: { aaaa000000000001: 4 },
  });
});

test('a change that cannot be written does not stop the next one', async () => {
  const replica = new InMemoryReplica();
  const write = replica.writeNote.bind(replica);
  replica.writeNote = () => Promise.reject(new Error('the disk is full'));
  const notes = new SyncNotes(replica, 'remote:test');
  await expect(notes.change({ lastPrune: 1 })).rejects.toThrow('the disk is full');
  replica.writeNote = write;

  await notes.change({ lastPrune: 2 });

  await expect(notes.read()).resolves.toMatchObject({ lastPrune: 2 });
});

test.each([
  null,
  'a text',
  [],
  { lastPush: 1, lastPull: { value: 'x', at: 1 }, reachable: { value: 1, at: 1 }, emptyStart: 'else' },
  { problem: { code: 1 }, pushProblem: [], heldMerge: { removed: '1' }, remoteClock: 3, lastPrune: 'x' },
])('what is no note of this version counts as nothing: %j', async (note) => {
  const replica = new InMemoryReplica();
  const notes = new SyncNotes(replica, 'remote:test');
  const nothing = await notes.read();
  await replica.writeNote('sync:remote:test', note);

  await expect(notes.read()).resolves.toEqual(nothing);
});

test('each remote has a note of its own', async () => {
  const replica = new InMemoryReplica();
  await new SyncNotes(replica, 'remote:one').change({ emptyStart: 'done' });
  await expect(new SyncNotes(replica, 'remote:two').read()).resolves.toMatchObject({ emptyStart: null });
});
