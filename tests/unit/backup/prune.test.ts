import { describe, expect, test } from 'vitest';
import { BlobStoreError } from '../../../src/errors/remote-errors.ts';
import { InvalidInputError } from '../../../src/errors/input-errors.ts';
import type { StoredBlob } from '../../../src/blob/in-memory-blob-store.ts';
import { idOf, ModelStore } from '../../helpers/model-store.ts';
import {
  createTestMachine,
  createTestRepository,
  encodeStates,
  headOf,
  MACHINE_A,
  MACHINE_B,
  newestOf,
  rowsOf,
  type TestRepository,
  type TestRepositoryOptions,
} from '../../helpers/test-repository.ts';

const ONE = { keepLast: 1, hourly: 0, daily: 0, weekly: 0, monthly: 0 };
const DAY = 24 * 3_600_000;

async function filled(
  options: TestRepositoryOptions = {},
): Promise<TestRepository & { readonly model: ModelStore }> {
  const created = createTestRepository(options);
  const model = new ModelStore(MACHINE_A);
  for (let round = 0; round < 20; round += 1) {
    model.write(idOf(round % 3), { text: `round ${round}` });
    await created.repository.writeSnapshot(model.view(), { kind: 'auto' });
    created.advance(60_000);
  }
  return { ...created, model };
}

describe('prune', () => {
  test('drops from the list at once and deletes after a day of the store', async () => {
    const { repository, objects, advance, model } = await filled();
    const count = objects.size;
    const young = await repository.prune(ONE);
    expect(young.dropped).toHaveLength(19);
    expect(young.deletedObjects).toBe(0);
    expect((await repository.listSnapshots()).snapshots).toHaveLength(1);
    advance(DAY + 1);
    const old = await repository.prune(ONE);
    expect(old).toMatchObject({ dropped: [], leftObjects: 0, appendOnly: false });
    expect(old.deletedObjects).toBe(young.leftObjects);
    expect(objects.size).toBe(count - old.deletedObjects);
    expect(await repository.verifySizes(MACHINE_A)).toMatchObject({ problems: [] });
    const snapshot = await newestOf(repository);
    expect(await rowsOf(repository, snapshot)).toEqual(encodeStates(model.states()));
    const { segments } = await repository.readManifest(snapshot);
    expect(objects.size).toBe(2 + segments.length);
  });

  test('keeps pinned snapshots until they are unpinned', async () => {
    const { repository } = await filled();
    const { snapshots } = await repository.listSnapshots();
    const [first] = snapshots;
    if (first === undefined) throw new Error('there is no snapshot');
    await repository.setPinned(first.snapshotId, true);
    await repository.prune(ONE);
    expect((await repository.listSnapshots()).snapshots).toHaveLength(2);
    await repository.setPinned(first.snapshotId, false);
    await repository.prune(ONE);
    expect((await repository.listSnapshots()).snapshots).toHaveLength(1);
  });

  test('deletes nothing when a kept manifest cannot be read', async () => {
    const { repository, objects, advance } = await filled();
    const { snapshotId } = await newestOf(repository);
    advance(DAY + 1);
    objects.delete(`v1/${MACHINE_A}/snapshots/${snapshotId}`);
    const count = objects.size;
    await expect(repository.prune(ONE)).rejects.toMatchObject({ code: 'OBJECT_MISSING' });
    expect(objects.size).toBe(count);
  });

  test('leaves what is not part of the format, and the clock of this machine plays no part', async () => {
    const { repository, objects, advance } = await filled({ now: () => Date.UTC(2099, 0) });
    const stranger = { bytes: new Uint8Array(1), lastModified: 0, etag: '' };
    objects.set(`v1/${MACHINE_A}/notes.txt`, stranger);
    expect(await repository.prune(ONE)).toMatchObject({ deletedObjects: 0 });
    advance(DAY + 1);
    await repository.prune(ONE);
    expect(objects.has(`v1/${MACHINE_A}/notes.txt`)).toBe(true);
  });

  test('a denied delete means append-only', async () => {
    const { repository, advance } = await filled({
      beforeCall: ({ operation, key }) => {
        if (operation !== 'delete') return;
        const details = { operation, key, location: 'memory:', problem: 'no delete here' } as const;
        throw new BlobStoreError('access-denied', details);
      },
    });
    advance(DAY + 1);
    const result = await repository.prune(ONE);
    expect(result).toMatchObject({ appendOnly: true, deletedObjects: 0 });
    expect(result.dropped).toHaveLength(19);
  });

  test('without a head deletes nothing', async () => {
    const { repository, objects, advance } = await filled();
    const count = objects.size;
    objects.delete(headOf(MACHINE_A));
    advance(DAY + 1);
    expect(await repository.prune(ONE)).toMatchObject({ deletedObjects: 0, wentBack: true });
    expect(objects.size).toBe(count - 1);
  });
});

describe('forgetMachine', () => {
  test('removes a folder only when its clock is included here', async () => {
    const bucket = new Map<string, StoredBlob>();
    const a = createTestMachine(null, MACHINE_A, bucket);
    const b = createTestMachine(null, MACHINE_B, bucket);
    a.model.write(idOf(1), { text: 'one' });
    await a.local.repository.writeSnapshot(a.model.view(), { kind: 'auto' });
    await a.local.repository.copyTo(a.remote.repository);
    const { repository } = b.remote;
    await expect(repository.forgetMachine(MACHINE_A, b.model.clock)).rejects.toThrow(InvalidInputError);
    await expect(repository.forgetMachine(MACHINE_B, {})).rejects.toThrow(InvalidInputError);
    expect(await repository.forgetMachine(MACHINE_A, a.model.clock)).toBe(3);
    expect(bucket.size).toBe(0);
  });
});
