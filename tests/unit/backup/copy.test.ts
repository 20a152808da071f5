import { describe, expect, test } from 'vitest';
import { InMemoryHeadJournal } from '../../helpers/in-memory-head-journal.ts';
import type { StoredBlob } from '../../../src/blob/in-memory-blob-store.ts';
import { MachineForkedError } from '../../../src/errors/backup-errors.ts';
import { idOf, ModelStore } from '../../helpers/model-store.ts';
import {
  createTestMachine,
  createTestRepository,
  encodeStates,
  headOf,
  MACHINE_A,
  MACHINE_B,
  newestOf,
  quickKeyring,
  rowsOf,
} from '../../helpers/test-repository.ts';

const modes = [
  { mode: 'plain', keyring: null },
  { mode: 'encrypted', keyring: quickKeyring() },
] as const;

describe.each(modes)('copying between $mode repositories', ({ keyring }) => {
  test('push and download are the same operation', async () => {
    const { local, remote, model } = createTestMachine(keyring);
    model.write(idOf(1), { text: 'one' });
    await local.repository.writeSnapshot(model.view(), { kind: 'auto' });
    model.write(idOf(2), { text: 'two' });
    await local.repository.writeSnapshot(model.view(), { kind: 'manual' });
    const pushed = await local.repository.copyTo(remote.repository);
    expect(pushed).toMatchObject({ outcome: 'copied', skipped: [] });
    expect(pushed.copied.map(({ kind }) => kind)).toEqual(['manual', 'auto']);
    expect(await rowsOf(remote.repository, await newestOf(remote.repository))).toEqual(
      encodeStates(model.states()),
    );

    const back = createTestRepository({ keyring, repositoryId: 'scratch' });
    await remote.repository.copyTo(back.repository);
    const { snapshots } = await back.repository.listSnapshots();
    expect(snapshots.map(({ kind }) => kind)).toEqual(['auto', 'manual']);
    expect(await rowsOf(back.repository, await newestOf(back.repository))).toEqual(
      encodeStates(model.states()),
    );
  });

  test('nothing new writes nothing; one change writes a few KiB', async () => {
    const { local, remote, model } = createTestMachine(keyring);
    for (let number = 0; number < 500; number += 1) model.write(idOf(number), { text: `memory ${number}` });
    await local.repository.writeSnapshot(model.view(), { kind: 'auto' });
    await local.repository.copyTo(remote.repository);
    const before = new Map(remote.objects);
    expect(await local.repository.copyTo(remote.repository)).toMatchObject({
      outcome: 'unchanged',
      bytesWritten: 0,
    });
    expect(remote.objects).toEqual(before);
    model.write(idOf(999), { text: 'one more' });
    await local.repository.writeSnapshot(model.view(), { kind: 'auto' });
    const { bytesWritten, objectsWritten } = await local.repository.copyTo(remote.repository);
    expect(objectsWritten).toBe(2);
    expect(bytesWritten).toBeLessThan(2_048);
  });

  test('a snapshot that is cancelled is not listed, and costs the next one nothing', async () => {
    const { local, model } = createTestMachine(keyring);
    model.write(idOf(1), { text: 'one' });
    await local.repository.writeSnapshot(model.view(), { kind: 'auto' });
    model.write(idOf(2), { text: 'two' });
    const before = new Map(local.objects);
    const signal = AbortSignal.abort();
    await expect(
      local.repository.writeSnapshot(model.view(), { kind: 'manual', signal }),
    ).rejects.toMatchObject({ name: 'AbortError' });
    expect(local.objects).toEqual(before);
    expect(await local.repository.writeSnapshot(model.view(), { kind: 'manual' })).toMatchObject({
      outcome: 'written',
      full: false,
    });
  });

  test('heals what was deleted or cut in the target', async () => {
    const { local, remote, model } = createTestMachine(keyring);
    model.write(idOf(1), { text: 'one' });
    await local.repository.writeSnapshot(model.view(), { kind: 'auto' });
    await local.repository.copyTo(remote.repository);
    const whole = new Map(remote.objects);
    for (const [key, blob] of whole) {
      if (!/segments|snapshots/.test(key)) continue;
      for (const damage of ['delete', 'cut'] as const) {
        if (damage === 'delete') remote.objects.delete(key);
        else remote.objects.set(key, { ...blob, bytes: blob.bytes.subarray(1) });
        const verified = await remote.repository.verifySizes(MACHINE_A);
        expect(verified.problems).not.toEqual([]);
        expect(await local.repository.copyTo(remote.repository)).toMatchObject({ objectsWritten: 1 });
        expect(remote.objects.get(key)?.bytes).toEqual(blob.bytes);
      }
    }
  });

  test('heals other bytes of the same size once a check has found them', async () => {
    const { local, remote, model } = createTestMachine(keyring);
    model.write(idOf(1), { text: 'one' });
    await local.repository.writeSnapshot(model.view(), { kind: 'auto' });
    await local.repository.copyTo(remote.repository);
    const [key, blob] = [...remote.objects].find(([name]) => name.includes('segments')) ?? ['', undefined];
    if (blob === undefined) throw new Error('there is no segment');
    remote.objects.set(key, { ...blob, bytes: blob.bytes.map((byte) => byte ^ 1) });
    expect(await remote.repository.verifySizes(MACHINE_A)).toMatchObject({ problems: [] });
    const budget = { maxBytes: 1e9, lastChecked: new Map<string, number>() };
    const { problems, checked } = await remote.repository.verifyHashes(MACHINE_A, budget);
    expect(problems).toEqual([{ key, problem: 'The object has other bytes than were written.' }]);
    expect(checked).toHaveLength(1);
    await local.repository.copyTo(remote.repository, { suspect: new Set([key]) });
    expect(remote.objects.get(key)?.bytes).toEqual(blob.bytes);
    expect((await remote.repository.verifyHashes(MACHINE_A, budget)).problems).toEqual([]);
  });

  test('machines on one bucket see each other and touch only their own folders', async () => {
    const bucket = new Map<string, StoredBlob>();
    const a = createTestMachine(keyring, MACHINE_A, bucket);
    const b = createTestMachine(keyring, MACHINE_B, bucket);
    a.model.write(idOf(1), { text: 'of a' });
    await a.local.repository.writeSnapshot(a.model.view(), { kind: 'auto' });
    await a.local.repository.copyTo(a.remote.repository);
    const folderOfA = [...bucket].filter(([key]) => key.includes(MACHINE_A));
    b.model.write(idOf(2), { text: 'of b' });
    const fromA = await newestOf(b.remote.repository);
    expect(fromA.machine).toBe(MACHINE_A);
    const rows = await b.remote.repository.readManifest(fromA);
    const states = [];
    for await (const row of b.remote.repository.readRows(rows)) states.push(row);
    b.model.merge(states, rows.clock);
    await b.local.repository.writeSnapshot(b.model.view(), { kind: 'auto' });
    await b.local.repository.copyTo(b.remote.repository);
    await b.remote.repository.prune({ keepLast: 1, hourly: 0, daily: 0, weekly: 0, monthly: 0 });
    expect([...bucket].filter(([key]) => key.includes(MACHINE_A))).toEqual(folderOfA);
    const { snapshots, machines } = await a.remote.repository.listSnapshots();
    expect(snapshots.map(({ machine }) => machine)).toEqual([MACHINE_A, MACHINE_B]);
    expect(machines.map(({ machine, error }) => [machine, error])).toEqual([
      [MACHINE_A, null],
      [MACHINE_B, null],
    ]);
  });

  test('a damaged folder of one machine does not hide the others', async () => {
    const bucket = new Map<string, StoredBlob>();
    const a = createTestMachine(keyring, MACHINE_A, bucket);
    const b = createTestMachine(keyring, MACHINE_B, bucket);
    for (const { model, local, remote } of [a, b]) {
      model.write(idOf(1), { text: 'text' });
      await local.repository.writeSnapshot(model.view(), { kind: 'auto' });
      await local.repository.copyTo(remote.repository);
    }
    bucket.set(headOf(MACHINE_A), { bytes: Buffer.from('junk'), lastModified: 0, etag: '' });
    const { snapshots, machines } = await b.remote.repository.listSnapshots();
    expect(snapshots.map(({ machine }) => machine)).toEqual([MACHINE_B]);
    expect(machines[0]).toMatchObject({ machine: MACHINE_A, error: { code: 'REPOSITORY_DAMAGED' } });
  });

  test('a head that goes back is reported, and healed by its owner', async () => {
    const bucket = new Map<string, StoredBlob>();
    const a = createTestMachine(keyring, MACHINE_A, bucket);
    const b = createTestMachine(keyring, MACHINE_B, bucket);
    a.model.write(idOf(1), { text: 'one' });
    await a.local.repository.writeSnapshot(a.model.view(), { kind: 'auto' });
    await a.local.repository.copyTo(a.remote.repository);
    const old = bucket.get(headOf(MACHINE_A));
    a.model.write(idOf(2), { text: 'two' });
    await a.local.repository.writeSnapshot(a.model.view(), { kind: 'auto' });
    await a.local.repository.copyTo(a.remote.repository);
    await b.remote.repository.listSnapshots();

    for (const forged of [old, undefined]) {
      if (forged === undefined) bucket.delete(headOf(MACHINE_A));
      else bucket.set(headOf(MACHINE_A), forged);
      for (const { remote } of [a, b]) {
        const { machines } = await remote.repository.listSnapshots();
        expect(machines.find(({ machine }) => machine === MACHINE_A)).toMatchObject({ wentBack: true });
      }
      expect(await a.local.repository.copyTo(a.remote.repository)).toMatchObject({ wentBack: true });
      for (const { remote } of [a, b]) {
        const { machines, snapshots } = await remote.repository.listSnapshots();
        expect(machines.find(({ machine }) => machine === MACHINE_A)).toMatchObject({ wentBack: false });
        expect(snapshots).toHaveLength(2);
      }
    }
  });

  test('a copied or rolled-back data folder is noticed before anything is written', async () => {
    const bucket = new Map<string, StoredBlob>();
    const a = createTestMachine(keyring, MACHINE_A, bucket);
    a.model.write(idOf(1), { text: 'shared' });
    await a.local.repository.writeSnapshot(a.model.view(), { kind: 'auto' });
    await a.local.repository.copyTo(a.remote.repository);
    const copy = {
      model: a.model.clone(),
      local: createTestRepository({
        keyring,
        repositoryId: 'local',
        objects: new Map(a.local.objects),
        journal: a.local.journal.clone(),
      }),
      remote: createTestRepository({
        keyring,
        repositoryId: 'remote',
        objects: bucket,
        journal: a.remote.journal.clone(),
      }),
    };
    for (const text of ['two', 'three']) {
      a.model.write(idOf(2), { text });
      await a.local.repository.writeSnapshot(a.model.view(), { kind: 'auto' });
      await a.local.repository.copyTo(a.remote.repository);
    }
    copy.model.write(idOf(3), { text: 'of the copy' });
    await copy.local.repository.writeSnapshot(copy.model.view(), { kind: 'auto' });
    const before = new Map(bucket);
    const error: unknown = await copy.local.repository
      .copyTo(copy.remote.repository)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(MachineForkedError);
    expect(error).toMatchObject({ machine: MACHINE_A, lastSharedWrite: 1 });
    expect(bucket).toEqual(before);
  });
});

describe('interrupted writing', () => {
  test('at any call leaves complete snapshots only, and the next try succeeds', async () => {
    for (let failAt = 1; ; failAt += 1) {
      let calls = 0;
      let armed = false;
      const local = createTestRepository({ repositoryId: 'local' });
      const journal = new InMemoryHeadJournal();
      const remote = createTestRepository({
        repositoryId: 'remote',
        journal,
        beforeCall: () => {
          calls += armed ? 1 : 0;
          if (armed && calls === failAt) throw new Error('crash');
        },
      });
      const model = new ModelStore(MACHINE_A);
      model.write(idOf(1), { text: 'one' });
      await local.repository.writeSnapshot(model.view(), { kind: 'auto' });
      await local.repository.copyTo(remote.repository);
      model.write(idOf(2), { text: 'two' });
      await local.repository.writeSnapshot(model.view(), { kind: 'auto' });
      armed = true;
      const crashed = await local.repository.copyTo(remote.repository).then(
        () => false,
        () => true,
      );
      armed = false;
      const { snapshots } = await remote.repository.listSnapshots();
      for (const snapshot of snapshots) {
        const manifest = await remote.repository.readManifest(snapshot);
        expect(await remote.repository.verifyContent(manifest)).toMatchObject({ problems: [] });
      }
      await local.repository.copyTo(remote.repository);
      expect((await remote.repository.listSnapshots()).snapshots).toHaveLength(2);
      if (!crashed) {
        expect(failAt).toBeGreaterThan(8);
        return;
      }
    }
  });

  test('a store that keeps other bytes than it was given is found out before the head', async () => {
    const local = createTestRepository({ repositoryId: 'local' });
    const remote = createTestRepository({ repositoryId: 'remote' });
    const model = new ModelStore(MACHINE_A);
    model.write(idOf(1), { text: 'one' });
    await local.repository.writeSnapshot(model.view(), { kind: 'auto' });
    const put = remote.store.put.bind(remote.store);
    remote.store.put = (key, bytes, options) => put(key, bytes.subarray(0, bytes.length - 1), options);
    await expect(local.repository.copyTo(remote.repository)).rejects.toMatchObject({ reason: 'integrity' });
    expect(remote.objects.has(headOf(MACHINE_A))).toBe(false);
  });

  test('a damaged snapshot in the source holds up no other', async () => {
    const { local, remote, model } = createTestMachine();
    model.write(idOf(1), { text: 'one' });
    await local.repository.writeSnapshot(model.view(), { kind: 'auto' });
    const [manifest] = [...local.objects.keys()].filter((key) => key.includes('snapshots'));
    model.write(idOf(2), { text: 'two' });
    await local.repository.writeSnapshot(model.view(), { kind: 'manual' });
    local.objects.delete(manifest ?? '');
    const result = await local.repository.copyTo(remote.repository);
    expect(result.copied.map(({ kind }) => kind)).toEqual(['manual']);
    expect(result.skipped).toMatchObject([{ error: { code: 'OBJECT_MISSING' } }]);
  });

  test('retention of the target is not undone by the next push', async () => {
    const { local, remote, model } = createTestMachine();
    for (let round = 0; round < 5; round += 1) {
      model.write(idOf(round), { text: 'text' });
      await local.repository.writeSnapshot(model.view(), { kind: 'auto' });
      local.advance(60_000);
    }
    const policy = { keepLast: 2, hourly: 0, daily: 0, weekly: 0, monthly: 0 };
    expect((await local.repository.copyTo(remote.repository, { policy })).copied).toHaveLength(2);
    expect(await local.repository.copyTo(remote.repository, { policy })).toMatchObject({
      outcome: 'unchanged',
    });
  });

  test('the list of the target stays short, however many pushes there are', async () => {
    const { local, remote, model } = createTestMachine();
    const policy = { keepLast: 3, hourly: 2, daily: 0, weekly: 0, monthly: 0 };
    for (let round = 0; round < 150; round += 1) {
      model.write(idOf(round), { text: 'text' });
      await local.repository.writeSnapshot(model.view(), { kind: 'auto', policy });
      await local.repository.copyTo(remote.repository, { policy });
      local.advance(60_000);
    }
    for (const { repository } of [local, remote]) {
      expect((await repository.listSnapshots()).snapshots.length).toBeLessThanOrEqual(5);
    }
  });
});
