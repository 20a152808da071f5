import { describe, expect, test } from 'vitest';
import { BackupBusyError } from '../../../src/errors/backup-errors.ts';
import { InvalidInputError } from '../../../src/errors/input-errors.ts';
import { MemoryBucket, MemoryMachine } from '../../helpers/sync/memory-machine.ts';

const KEEP_ONE = { keepLast: 1, hourly: 0, daily: 0, weekly: 0, monthly: 0 };
const HOUR = 3_600_000;

function oneMachine(retention = KEEP_ONE): { bucket: MemoryBucket; a: MemoryMachine } {
  const bucket = new MemoryBucket();
  return { bucket, a: new MemoryMachine(bucket, { enabled: false, retention }) };
}

describe('a backup', () => {
  test.each([
    ['manual', 'written'],
    ['Before upgrade', 'written'],
    ['pre_restore', 'written'],
    ['auto', 'unchanged'],
    ['scheduled', 'unchanged'],
    ['exit', 'unchanged'],
    ['pre-merge', 'unchanged'],
  ])('of the kind %s when nothing changed: %s', async (kind, outcome) => {
    const { a } = oneMachine();
    a.add('one');
    const first = await a.backup.backup({ kind: 'auto' });

    const second = await a.backup.backup({ kind });

    expect(second.outcome).toBe(outcome);
    expect(second.snapshot.id === first.snapshot.id).toBe(outcome === 'unchanged');
    await expect(a.backup.backup({ kind, evenIfUnchanged: true })).resolves.toMatchObject({
      outcome: 'written',
    });
  });

  test('gets the name that the user gave, in the letters that names have', async () => {
    const { a } = oneMachine();
    const { snapshot } = await a.backup.backup({ kind: ' Before-the upgrade ', pinned: true });

    expect(snapshot).toMatchObject({ kind: 'before_the_upgrade', pinned: true, own: true, order: 'equal' });
    expect(snapshot.name).toBe('before_the_upgrade_20260601_120000');
    await expect(a.backup.backup({ kind: 'no/name' })).rejects.toThrow(
      'use at most 32 of the letters a to z',
    );
  });

  test('has a name of its own, however soon it follows another', async () => {
    const { a } = oneMachine({ ...KEEP_ONE, keepLast: 9 });
    a.add('one');
    for (let turn = 0; turn < 3; turn += 1) await a.backup.backup();

    const names = (await a.backup.list()).map(({ name }) => name);

    expect(names).toEqual(['manual_20260601_120000', 'manual_20260601_120001', 'manual_20260601_120002']);
  });

  test('is not begun while other work is under way, and a background one does not wait', async () => {
    const { a } = oneMachine();
    await a.lock.run(async () => {
      await expect(a.backup.tryBackup()).rejects.toThrow(BackupBusyError);
    }, 0);
    await expect(a.backup.tryBackup()).resolves.toMatchObject({ outcome: 'written' });
  });

  test('that was cancelled leaves nothing and lets go of the lock', async () => {
    const { a } = oneMachine();
    a.add('one');
    await expect(a.backup.backup({}, { signal: AbortSignal.abort() })).rejects.toThrow('aborted');
    expect(a.folder.size).toBe(0);
    expect(a.lock.held).toBe(false);
  });

  test('is complete although the prune after it fails', async () => {
    const { bucket, a } = oneMachine();
    a.add('one');
    const { snapshot } = await a.backup.backup({ pinned: true });
    for (const [key, blob] of a.folder) {
      if (key.includes('/snapshots/')) a.folder.set(key, { ...blob, bytes: blob.bytes.subarray(1) });
    }
    bucket.time += 2 * HOUR;
    a.add('two');

    await expect(a.backup.backup()).resolves.toMatchObject({ outcome: 'written', snapshot: { live: 2 } });
    await expect(a.backup.prune()).rejects.toMatchObject({ code: 'REPOSITORY_DAMAGED' });
    await expect(a.backup.list()).resolves.toMatchObject([{ id: snapshot.id }, { live: 2 }]);
  });
});

describe('old backups', () => {
  test('leave the list with the next backup, however soon it comes', async () => {
    const { bucket, a } = oneMachine();
    const counts: number[] = [];
    for (const minutes of [0, 1, 58, 1]) {
      bucket.time += minutes * 60_000;
      a.add(`at ${bucket.time}`);
      await a.backup.backup();
      counts.push((await a.backup.list()).length);
    }
    expect(counts).toEqual([1, 1, 1, 1]);
  });

  test('stay when a restore needs a copy of what it replaces, the restored one too', async () => {
    const { bucket, a } = oneMachine();
    a.add('one');
    const { snapshot } = await a.backup.backup();
    a.add('two');
    bucket.time += 2 * HOUR;
    const request = { snapshot: snapshot.id, mode: 'replace' } as const;
    const { confirm } = await a.backup.restore({ ...request, dryRun: true });

    const { undo } = await a.backup.restore({ ...request, confirm });

    expect((await a.backup.list()).map(({ id }) => id)).toEqual([snapshot.id, undo?.id]);
  });

  test('stay while they are pinned', async () => {
    const { bucket, a } = oneMachine();
    a.add('one');
    const { snapshot } = await a.backup.backup({ kind: 'keep me', pinned: true });
    for (let round = 0; round < 3; round += 1) {
      bucket.time += 2 * HOUR;
      a.add(`later ${round}`);
      await a.backup.backup();
    }
    expect((await a.backup.list()).map(({ id }) => id)).toContain(snapshot.id);

    await expect(a.backup.setPinned(snapshot.name, false)).resolves.toMatchObject({ pinned: false });
    const { dropped } = await a.backup.prune();
    expect(dropped).toMatchObject([{ id: snapshot.id, name: snapshot.name, own: true, order: 'before' }]);
  });

  test('of another machine cannot be pinned here', async () => {
    const { a } = oneMachine();
    a.add('one');
    const { snapshot } = await a.backup.backup();
    await a.replica.takeNewIdentity(a.replica.machine, 0);

    await expect(a.backup.setPinned(snapshot.id, true)).rejects.toThrow(InvalidInputError);
    await expect(a.backup.list()).resolves.toMatchObject([{ own: false, pinned: false }]);
  });
});

describe('a copied data folder over one folder of backups', () => {
  test('goes on under an id of its own, and both keep their backups', async () => {
    const bucket = new MemoryBucket();
    const a = new MemoryMachine(bucket, { enabled: false });
    a.add('shared');
    await a.backup.backup();
    const copy = new MemoryMachine(bucket, {
      enabled: false,
      replica: a.replica.clone(),
      folder: a.folder,
    });
    const { machine } = a.replica;
    a.add('of the original');
    await a.backup.backup();
    copy.replica.write('cccccccc-0000-7000-8000-000000000001', 'of the copy');

    const { snapshot } = await copy.backup.backup();

    expect(snapshot).toMatchObject({ own: true, live: 2 });
    expect(snapshot.machine).not.toBe(machine);
    expect(new Set((await a.backup.list()).map((each) => each.machine))).toEqual(
      new Set([machine, snapshot.machine]),
    );
    await a.backup.restore({ mode: 'merge' });
    expect(a.texts()).toEqual(['of the copy', 'of the original', 'shared']);
  });

  test('notices that before it merges anything', async () => {
    const bucket = new MemoryBucket();
    const a = new MemoryMachine(bucket, { enabled: false });
    a.add('shared');
    await a.backup.backup();
    const copy = new MemoryMachine(bucket, { enabled: false, replica: a.replica.clone(), folder: a.folder });
    a.add('of the original');
    await a.backup.backup();
    copy.replica.write('cccccccc-0000-7000-8000-000000000001', 'of the copy');

    await copy.backup.restore({ mode: 'merge' });

    expect(copy.replica.machine).not.toBe(a.replica.machine);
    expect(copy.texts()).toEqual(['of the copy', 'of the original', 'shared']);
  });
});
