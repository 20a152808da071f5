import { describe, expect, test } from 'vitest';
import type { Keyring } from '../../../src/backup/repository/keyring.ts';
import type { StoredBlob } from '../../../src/blob/in-memory-blob-store.ts';
import {
  EncryptionDowngradeError,
  MissingKeyError,
  WrongPassphraseError,
} from '../../../src/errors/backup-errors.ts';
import { idOf } from '../../helpers/model-store.ts';
import {
  createTestMachine,
  createTestRepository,
  headOf,
  MACHINE_A,
  MACHINE_B,
  quickKeyring,
  rowsOf,
} from '../../helpers/test-repository.ts';

describe('an encrypted repository', () => {
  const store = async (keyring: Keyring | null) => {
    const { local, remote, model } = createTestMachine(keyring);
    model.write(idOf(1), { text: 'one' });
    await local.repository.writeSnapshot(model.view(), { kind: 'auto' });
    await local.repository.copyTo(remote.repository);
    return { local, remote, model };
  };
  const open = (objects: Map<string, StoredBlob>, keyring: Keyring | null, more = {}) =>
    createTestRepository({ objects, keyring, machine: MACHINE_B, ...more }).repository;

  test('wrong passphrase, missing key, damage and downgrade are four different errors', async () => {
    const sealed = (await store(quickKeyring())).remote.objects;
    const codeOf = async (objects: Map<string, StoredBlob>, keyring: Keyring | null): Promise<unknown> => {
      const { machines } = await open(objects, keyring).listSnapshots();
      return machines.find(({ machine }) => machine === MACHINE_A)?.error?.code;
    };
    expect(await codeOf(sealed, quickKeyring())).toBeUndefined();
    expect(await codeOf(sealed, quickKeyring('wrong'))).toBe('WRONG_PASSPHRASE');
    expect(await codeOf(sealed, null)).toBe('MISSING_KEY');
    const withoutFile = new Map(sealed);
    withoutFile.delete(`v1/${MACHINE_A}/key.json`);
    expect(await codeOf(withoutFile, quickKeyring())).toBe('MISSING_KEY');
    const other = (await store(quickKeyring())).remote.objects.get(`v1/${MACHINE_A}/key.json`);
    if (other === undefined) throw new Error('there is no key file');
    expect(await codeOf(new Map(sealed).set(`v1/${MACHINE_A}/key.json`, other), quickKeyring())).toBe(
      'MISSING_KEY',
    );
    const head = sealed.get(headOf(MACHINE_A));
    if (head === undefined) throw new Error('there is no head');
    const cut = { ...head, bytes: head.bytes.subarray(0, -1) };
    expect(await codeOf(new Map(sealed).set(headOf(MACHINE_A), cut), quickKeyring())).toBe(
      'REPOSITORY_DAMAGED',
    );
    const plain = (await store(null)).remote.objects;
    expect(await codeOf(plain, quickKeyring())).toBe('ENCRYPTION_DOWNGRADE');
  });

  test('turning encryption on starts a fresh chain', async () => {
    const { local, model } = await store(null);
    const keyring = quickKeyring();
    const sealed = createTestRepository({
      repositoryId: 'local',
      objects: local.objects,
      journal: local.journal,
      keyring,
    });
    expect(await sealed.repository.writeSnapshot(model.view(), { kind: 'auto' })).toMatchObject({
      full: true,
    });
    const { snapshots } = await sealed.repository.listSnapshots();
    expect(snapshots.map((snapshot) => snapshot.sealed)).toEqual([true]);
    sealed.advance(25 * 3_600_000);
    await sealed.repository.prune({ keepLast: 9, hourly: 0, daily: 0, weekly: 0, monthly: 0 });
    expect([...local.objects.values()].some(({ bytes }) => bytes[0] === 0x1f)).toBe(false);

    const plain = createTestRepository({
      repositoryId: 'local',
      objects: local.objects,
      journal: local.journal,
    });
    model.write(idOf(2), { text: 'two' });
    await expect(plain.repository.writeSnapshot(model.view(), { kind: 'auto' })).rejects.toThrow(
      MissingKeyError,
    );
  });

  test('a plain head where an encrypted one was is refused, for reading and for writing', async () => {
    const { local, model } = await store(null);
    const plainHead = local.objects.get(headOf(MACHINE_A));
    const sealed = createTestRepository({
      repositoryId: 'local',
      objects: local.objects,
      journal: local.journal,
      keyring: quickKeyring(),
    });
    await sealed.repository.writeSnapshot(model.view(), { kind: 'auto' });
    if (plainHead !== undefined) local.objects.set(headOf(MACHINE_A), plainHead);
    model.write(idOf(2), { text: 'two' });
    await expect(sealed.repository.writeSnapshot(model.view(), { kind: 'auto' })).rejects.toThrow(
      EncryptionDowngradeError,
    );
    expect((await sealed.repository.listSnapshots()).machines).toMatchObject([
      { error: { code: 'ENCRYPTION_DOWNGRADE' } },
    ]);
  });

  test('a plain source is not published to an encrypted target, nor the other way round', async () => {
    const { local } = await store(null);
    const target = createTestRepository({ repositoryId: 'other', keyring: quickKeyring() });
    await expect(local.repository.copyTo(target.repository)).rejects.toThrow(EncryptionDowngradeError);
    const sealed = await store(quickKeyring());
    const plain = createTestRepository({ repositoryId: 'other' });
    await expect(sealed.local.repository.copyTo(plain.repository)).rejects.toThrow(MissingKeyError);
    expect(plain.objects.size + target.objects.size).toBe(0);
  });

  test('a rotated passphrase reaches the target with the next push', async () => {
    const { local, remote, model } = await store(quickKeyring());
    const keyFile = `v1/${MACHINE_A}/key.json`;
    const bytes = local.objects.get(keyFile)?.bytes ?? new Uint8Array();
    const keyring = quickKeyring('rotated');
    await local.store.put(
      keyFile,
      await keyring.wrap(MACHINE_A, await quickKeyring().unlock(MACHINE_A, bytes)),
    );
    const after = createTestRepository({
      repositoryId: 'local',
      keyring,
      objects: local.objects,
      journal: local.journal,
    });
    const target = createTestRepository({
      repositoryId: 'remote',
      keyring,
      objects: remote.objects,
      journal: remote.journal,
    });
    model.write(idOf(2), { text: 'two' });
    await after.repository.writeSnapshot(model.view(), { kind: 'auto' });
    await after.repository.copyTo(target.repository);
    const reader = open(remote.objects, keyring);
    expect((await reader.listSnapshots()).snapshots).toHaveLength(2);
    expect((await open(remote.objects, quickKeyring()).listSnapshots()).machines[0]?.error).toBeInstanceOf(
      WrongPassphraseError,
    );
  });

  test('a local repository that was lost and made anew leaves the old remote snapshots readable', async () => {
    const { remote, model } = await store(quickKeyring());
    const fresh = createTestRepository({ repositoryId: 'local', keyring: quickKeyring() });
    model.write(idOf(2), { text: 'two' });
    await fresh.repository.writeSnapshot(model.view(), { kind: 'manual' });
    const target = createTestRepository({
      repositoryId: 'remote',
      keyring: quickKeyring(),
      objects: remote.objects,
      journal: remote.journal,
    });
    await fresh.repository.copyTo(target.repository);
    const { snapshots } = await target.repository.listSnapshots();
    expect(snapshots.map(({ kind }) => kind)).toEqual(['auto', 'manual']);
    for (const snapshot of snapshots)
      expect((await rowsOf(target.repository, snapshot)).length).toBeGreaterThan(0);
    expect(await fresh.repository.copyTo(target.repository)).toMatchObject({ outcome: 'unchanged' });
  });
});
