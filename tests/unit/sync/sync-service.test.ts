import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { backUpAndUpload } from '../../../src/api/services.ts';
import { headKey } from '../../../src/backup/format/names.ts';
import { InvalidInputError, StateChangedError } from '../../../src/errors/input-errors.ts';
import { SyncOffError } from '../../../src/errors/remote-errors.ts';
import { MemoryBucket, MemoryMachine } from '../../helpers/sync/memory-machine.ts';

function twoMachines(): { bucket: MemoryBucket; a: MemoryMachine; b: MemoryMachine } {
  const bucket = new MemoryBucket();
  return { bucket, a: new MemoryMachine(bucket), b: new MemoryMachine(bucket) };
}

/** Three machines that hold the same memories. */
async function threeMachinesWith(memories: number) {
  const { bucket, a, b } = twoMachines();
  const c = new MemoryMachine(bucket);
  const ids = Array.from({ length: memories }, (_, index) => a.add(`memory ${index}`));
  await a.sync.push();
  for (const machine of [b, c]) await machine.sync.pull();
  return { bucket, a, b, c, ids };
}

describe('push', () => {
  test('publishes what is here and says what the remote confirmed', async () => {
    const { bucket, a } = twoMachines();
    a.add('one');

    const result = await a.sync.push();

    expect(result).toMatchObject({ outcome: 'pushed', snapshotsPushed: 1, skipped: [] });
    expect(result.snapshot).toMatchObject({ own: true, live: 1, order: 'equal', kind: 'auto' });
    expect(bucket.keys(/\/head$/)).toEqual([`v1/${a.replica.machine}/head`]);
    expect((await a.sync.snapshots()).map(({ id }) => id)).toEqual([result.snapshot.id]);
  });

  test('writes nothing when nothing changed', async () => {
    const { bucket, a } = twoMachines();
    a.add('one');
    await a.sync.push();
    const puts: string[] = [];
    bucket.onCall = ({ operation, key }) => {
      if (operation === 'put') puts.push(key);
    };

    await expect(a.sync.push()).resolves.toMatchObject({ outcome: 'unchanged', bytes: 0, objects: 0 });
    expect(puts).toEqual([]);
  });

  test('makes up for a time without network, the newest first', async () => {
    const { bucket, a, b } = twoMachines();
    bucket.down = 'unreachable';
    for (const text of ['one', 'two', 'three']) {
      a.add(text);
      await a.backup.backup({ kind: 'auto' });
      bucket.time += 60_000;
      await expect(a.sync.push()).rejects.toMatchObject({ reason: 'unreachable' });
    }
    bucket.down = null;

    await expect(a.sync.push()).resolves.toMatchObject({ snapshotsPushed: 3 });
    await b.sync.pull();
    expect(b.texts()).toEqual(['one', 'three', 'two']);
  });

  /** Backs up and uploads as the tool and the route do, while another client writes in between. */
  async function uploadAmongWrites(machine: MemoryMachine): ReturnType<typeof backUpAndUpload> {
    const { backup, sync } = machine;
    const backUp = backup.backup.bind(backup);
    backup.backup = async (...request) => {
      const made = await backUp(...request);
      machine.add('written meanwhile');
      return made;
    };
    return backUpAndUpload({ backup, sync }, undefined, {});
  }

  test('of a backup that was just made makes no other one', async () => {
    const { bucket, a } = twoMachines();
    a.add('one');
    await a.sync.status({ offline: true });

    const { made, push } = await uploadAmongWrites(a);

    expect(push).toMatchObject({ outcome: 'pushed', snapshot: { id: made.snapshot.id } });
    expect((await a.backup.list()).map(({ kind }) => kind)).toEqual(['manual']);
    expect(bucket.keys(/\/snapshots\//)).toHaveLength(1);
    expect(await a.sync.hasUnsentWrites()).toBe(true);
  });

  test('of a backup that was made under a name that is given up makes another one', async () => {
    const { bucket, a } = twoMachines();
    a.add('one');
    await a.sync.push();
    const copy = a.copy();
    a.add('two');
    await a.sync.push();
    copy.add('three');

    const { made, push } = await uploadAmongWrites(copy);

    expect(push?.snapshot.machine).not.toBe(made.snapshot.machine);
    expect(bucket.keys(/\/head$/)).toHaveLength(2);
    await a.sync.pull();
    expect(a.texts()).toEqual(expect.arrayContaining(['three', 'written meanwhile']));
  });

  test('of a store that begins empty sends what was there too', async () => {
    const { a, b } = twoMachines();
    a.add('one');
    await a.sync.push();

    await b.sync.decideEmptyStart();

    const { push } = await uploadAmongWrites(b);

    expect(b.texts()).toEqual(['one', 'written meanwhile']);
    expect(push?.snapshot.live).toBe(2);
  });

  test('gives every backup of one second a name of its own, and the same one here and there', async () => {
    const { a } = twoMachines();
    a.add('one');
    for (const kind of ['manual', 'manual', 'nightly', undefined, 'manual']) await a.backup.backup({ kind });
    await a.sync.push();

    const here = (await a.backup.list()).map(({ name }) => name);
    expect(new Set(here).size).toBe(5);
    expect((await a.sync.snapshots()).map(({ name }) => name)).toEqual(here);
  });

  test.each([1, 2, 3, 5, 8])(
    'ends before object %i when it is cancelled, and goes on there',
    async (last) => {
      const { bucket, a, b } = twoMachines();
      for (const text of ['one', 'two', 'three', 'four']) {
        a.add(text);
        await a.backup.backup({ kind: 'auto' });
      }
      const cancel = new AbortController();
      const puts: string[] = [];
      bucket.onCall = ({ operation, key }) => {
        if (operation !== 'put') return;
        puts.push(key);
        if (puts.length === last) cancel.abort();
      };

      await expect(a.sync.push({ signal: cancel.signal })).rejects.toMatchObject({ name: 'AbortError' });
      const objects = puts.filter((key) => !key.endsWith('/head'));
      // What was on its way at that moment arrives: four segments at most.
      expect(objects.length).toBeLessThan(last + 4);

      const { objects: rest } = await a.sync.push();
      expect(rest + objects.length).toBe(8);
      await b.sync.pull();
      expect(b.texts()).toEqual(['four', 'one', 'three', 'two']);
    },
  );

  test('writes the newest snapshot anew when it is damaged here', async () => {
    const { a, b } = twoMachines();
    a.add('one');
    await a.backup.backup({ kind: 'auto' });
    for (const [key, blob] of a.folder) {
      if (key.includes('/segments/'))
        a.folder.set(key, { ...blob, bytes: blob.bytes.map((byte) => byte ^ 1) });
    }

    const { snapshot, skipped } = await a.sync.push();

    expect(skipped).not.toContain(snapshot.id);
    await b.sync.pull();
    expect(b.texts()).toEqual(['one']);
  });

  test('a copied data folder goes on under an id of its own, and neither loses a write', async () => {
    const { a } = twoMachines();
    a.add('shared');
    await a.sync.push();
    const copy = a.copy();
    const { machine } = a.replica;
    a.add('of the original');
    await a.sync.push();
    copy.replica.write('cccccccc-0000-7000-8000-000000000001', 'of the copy');

    const { snapshot } = await copy.sync.push();

    expect(snapshot.machine).not.toBe(machine);
    expect(snapshot.own).toBe(true);
    await copy.sync.pull();
    await a.sync.pull();
    expect(a.texts()).toEqual(['of the copy', 'of the original', 'shared']);
    expect(await a.stateDigest()).toBe(await copy.stateDigest());
  });
});

describe('pull', () => {
  test('lets two machines converge', async () => {
    const { a, b } = twoMachines();
    a.add('of a');
    b.add('of b');
    await a.sync.push();
    await b.sync.push();
    await a.sync.pull();
    await b.sync.pull();

    expect(a.texts()).toEqual(['of a', 'of b']);
    expect(await a.stateDigest()).toBe(await b.stateDigest());
    await expect(a.sync.pull()).resolves.toMatchObject({ snapshots: [], changes: null });
  });

  test('holds back a merge that removes much, until it is confirmed', async () => {
    const { a, b } = twoMachines();
    const ids = Array.from({ length: 40 }, (_, index) => a.add(`memory ${index}`));
    await a.sync.push();
    await b.sync.pull();
    for (const id of ids.slice(0, 30)) b.replica.delete(id);
    await b.sync.push();

    const { confirm, changes } = await a.sync.pull();

    expect(changes).toMatchObject({ held: true, applied: false, removed: { count: 30 } });
    expect(a.texts()).toHaveLength(40);
    await expect(a.sync.status()).resolves.toMatchObject({ heldMerge: { removed: 30 }, relation: 'behind' });
    await expect(a.sync.pull({ confirm: 'something else' })).rejects.toThrow(StateChangedError);
    await a.sync.pull({ confirm: confirm ?? 'there is a token' });
    expect(a.texts()).toHaveLength(10);
    await expect(a.sync.status()).resolves.toMatchObject({ heldMerge: null, relation: 'in-sync' });
  });

  test('holds back removal by small steps of several machines, and tells what was removed before', async () => {
    const { a, b, c, ids } = await threeMachinesWith(60);
    for (const id of ids.slice(0, 12)) b.replica.purge(id);
    for (const id of ids.slice(12, 20)) c.replica.purge(id);
    for (const machine of [b, c]) await machine.sync.push();
    expect((await a.sync.pull()).waiting).toBeUndefined();
    expect(a.texts()).toHaveLength(40);
    for (const id of ids.slice(20, 21)) b.replica.purge(id);
    await b.sync.push();

    const held = await a.sync.pull();

    expect(held).toMatchObject({ waiting: { removed: 1, lately: 20 }, changes: { applied: false } });
    expect(a.texts()).toHaveLength(40);
    await expect(a.sync.status()).resolves.toMatchObject({ heldMerge: { removed: 1, lately: 20 } });
    await a.sync.pull({ confirm: held.confirm ?? 'there is a token' });
    expect(a.texts()).toHaveLength(39);
    await expect(a.sync.status()).resolves.toMatchObject({ heldMerge: null, relation: 'in-sync' });
  });

  test('asks for a confirmation that holds in whatever order the remote answers', async () => {
    const { bucket, a, b, c, ids } = await threeMachinesWith(60);
    for (const id of ids.slice(0, 30)) b.replica.delete(id);
    for (const id of ids.slice(30)) c.replica.delete(id);
    for (const machine of [b, c]) await machine.sync.push();
    const slowest = [headKey(b.replica.machine), headKey(c.replica.machine)];
    bucket.onCall = ({ key }) => (key === slowest[0] ? delay(20) : undefined);
    const held = await a.sync.pull();
    slowest.reverse();

    await a.sync.pull({ confirm: held.confirm ?? 'there is a token' });

    expect(held.changes).toMatchObject({ held: true, removed: { count: 60 } });
    expect(a.texts()).toEqual([]);
  });

  test('waits for no confirmation of what a later snapshot has brought already', async () => {
    const { a, b, c, ids } = await threeMachinesWith(40);
    for (const id of ids.slice(0, 30)) b.replica.delete(id);
    await b.sync.push();
    const asked = await c.sync.pull();
    await c.sync.pull({ confirm: asked.confirm ?? 'there is a token' });
    for (const id of ids.slice(0, 30)) c.replica.restore(id);
    await c.sync.push();

    const { confirm, waiting } = await a.sync.pull();

    expect({ confirm, waiting }).toEqual({});
    expect(a.texts()).toHaveLength(40);
    await expect(a.sync.status()).resolves.toMatchObject({ heldMerge: null, relation: 'in-sync' });
  });

  test('counts only what still waits when a later snapshot has brought a part of it', async () => {
    const { bucket, a, b } = twoMachines();
    const [c, d] = [new MemoryMachine(bucket), new MemoryMachine(bucket)];
    const ids = Array.from({ length: 80 }, (_, index) => a.add(`memory ${index}`));
    await a.sync.push();
    for (const machine of [b, c, d]) await machine.sync.pull();
    for (const id of ids.slice(0, 30)) b.replica.delete(id);
    await b.sync.push();
    const asked = await c.sync.pull();
    await c.sync.pull({ confirm: asked.confirm ?? 'there is a token' });
    for (const id of ids.slice(0, 30)) c.replica.restore(id);
    for (const id of ids.slice(40, 65)) d.replica.delete(id);
    for (const machine of [c, d]) await machine.sync.push();

    const { confirm, waiting } = await a.sync.pull();

    expect(waiting).toMatchObject({ removed: 25 });
    await a.sync.pull({ confirm: confirm ?? 'there is a token' });
    expect(a.texts()).toHaveLength(55);
  });

  test('counts each memory once when several machines bring the same changes', async () => {
    const { a, b, c, ids } = await threeMachinesWith(40);
    for (const id of ids.slice(0, 30)) b.replica.purge(id);
    b.add('new');
    await b.sync.push();
    const asked = await c.sync.pull();
    await c.sync.pull({ confirm: asked.confirm ?? 'there is a token' });
    c.add('of c');
    await c.sync.push();

    const dryRun = await a.sync.restore({ mode: 'merge', dryRun: true });
    const held = await a.sync.pull();

    expect(held.snapshots).toHaveLength(2);
    for (const { changes } of [dryRun, held])
      expect(changes).toMatchObject({ removed: { count: 30 }, added: { count: 2 } });
    expect(held.waiting).toEqual({ removed: 30, lately: 0 });
  });

  test('names a machine whose backups cannot be read, and merges the others', async () => {
    const { bucket, a, b } = twoMachines();
    a.add('of a');
    b.add('of b');
    await a.sync.push();
    await b.sync.push();
    const head = `v1/${b.replica.machine}/head`;
    bucket.objects.set(head, { bytes: Buffer.from('damaged'), lastModified: bucket.time, etag: 'x' });
    const c = new MemoryMachine(bucket);

    const { warnings } = await c.sync.pull();

    expect(c.texts()).toEqual(['of a']);
    expect(warnings).toEqual([expect.stringContaining(b.replica.machine)]);
  });
});

describe('restore', () => {
  test('replaces after a confirmation, and can be undone', async () => {
    const { bucket, a } = twoMachines();
    a.add('old');
    const { snapshot } = await a.sync.push();
    bucket.time += 1_000;
    const id = a.add('new');
    const request = { snapshot: snapshot.id, mode: 'replace' } as const;
    await expect(a.sync.restore(request)).rejects.toThrow(InvalidInputError);
    const { confirm = '' } = await a.sync.restore({ ...request, dryRun: true });
    expect(a.texts()).toEqual(['new', 'old']);

    const { undo } = await a.sync.restore({ ...request, confirm });

    expect(a.texts()).toEqual(['old']);
    expect(a.replica.table.current(id)?.state).toBe('deleted');
    const back = { snapshot: undo?.id, mode: 'replace' } as const;
    const again = await a.backup.restore({ ...back, dryRun: true });
    await a.backup.restore({ ...back, confirm: again.confirm });
    expect(a.texts()).toEqual(['new', 'old']);
  });
});

describe('the machines at the remote', () => {
  test('a gone one is forgotten by the beginning of its id, once its writes are here', async () => {
    const { bucket, a, b } = twoMachines();
    b.add('of b');
    await b.sync.push();
    a.add('of a');
    const short = b.replica.machine.slice(0, 6);
    await expect(a.sync.forgetMachine(short)).rejects.toThrow('merge its newest snapshot first');
    await expect(a.sync.forgetMachine('zzzz')).rejects.toThrow('is no machine');
    await expect(a.sync.forgetMachine(a.replica.machine)).rejects.toThrow(InvalidInputError);
    await a.sync.pull();

    await expect(a.sync.forgetMachine(short)).resolves.toBe(3);
    expect(bucket.keys(new RegExp(b.replica.machine))).toEqual([]);
    expect(a.texts()).toEqual(['of a', 'of b']);
  });

  test('damage there is found and healed', async () => {
    const { bucket, a, b } = twoMachines();
    a.add('one');
    await a.sync.push();
    for (const key of bucket.keys(/\/segments\//)) {
      const blob = bucket.objects.get(key);
      if (blob) bucket.objects.set(key, { ...blob, bytes: blob.bytes.map((byte) => byte ^ 1) });
    }
    await expect(b.sync.pull()).rejects.toMatchObject({ code: 'REPOSITORY_DAMAGED' });

    await expect(a.sync.verify({ level: 'drill' })).resolves.toMatchObject({ healed: true });
    await b.sync.pull();
    expect(b.texts()).toEqual(['one']);
  });

  test('only old snapshots of this machine are dropped', async () => {
    const bucket = new MemoryBucket();
    const retention = { keepLast: 100, hourly: 0, daily: 0, weekly: 0, monthly: 0 };
    const a = new MemoryMachine(bucket, { retention });
    const b = new MemoryMachine(bucket, { retention });
    for (const text of ['one', 'two']) {
      a.add(text);
      await a.sync.push();
      b.add(text);
      await b.sync.push();
      bucket.time += 1_000;
    }

    const { dropped } = await a.sync.prune({ policy: { ...retention, keepLast: 1 } });

    expect(dropped).toMatchObject([{ machine: a.replica.machine, live: 1 }]);
    const left = (await a.sync.snapshots()).map(({ machine }) => machine);
    expect(left.filter((machine) => machine === b.replica.machine)).toHaveLength(2);
    expect(left).toHaveLength(3);
  });
});

describe('sync that is off', () => {
  test('says so, and what is here can still be told', async () => {
    const a = new MemoryMachine(new MemoryBucket(), { enabled: false, access: false });
    a.add('one');

    await expect(a.sync.push()).rejects.toThrow(SyncOffError);
    await expect(a.sync.pull()).rejects.toThrow(SyncOffError);
    await expect(a.sync.snapshots()).rejects.toThrow(SyncOffError);
    await expect(a.sync.doctor()).rejects.toThrow(SyncOffError);
    await expect(a.sync.status()).resolves.toMatchObject({
      enabled: false,
      location: null,
      relation: 'unknown',
      reachable: null,
      problem: null,
      machine: a.replica.machine,
    });
  });

  test('a bucket that is set can be made and nothing goes there', async () => {
    const bucket = new MemoryBucket();
    const a = new MemoryMachine(bucket, { enabled: false });
    a.add('one');

    await expect(a.sync.createBucket()).resolves.toBe('existed');
    await expect(a.sync.push()).rejects.toThrow(SyncOffError);
    expect(bucket.objects.size).toBe(0);
  });
});
