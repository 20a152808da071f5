import { describe, expect, test } from 'vitest';
import { MemoryBucket, MemoryMachine } from '../../helpers/sync/memory-machine.ts';
import { quickKeyring } from '../../helpers/test-repository.ts';

async function bucketWithOne(): Promise<MemoryBucket> {
  const bucket = new MemoryBucket();
  const other = new MemoryMachine(bucket);
  other.add('from elsewhere');
  await other.sync.push();
  return bucket;
}

async function emptyStartOf({ sync }: MemoryMachine): Promise<string> {
  return (await sync.status({ offline: true })).emptyStart;
}

describe('a store that never held anything', () => {
  test.each(['unreachable', 'timeout', 'access-denied', 'bad-credentials', 'no-bucket'] as const)(
    'waits while the remote is %s, and takes what is there afterwards',
    async (reason) => {
      const bucket = await bucketWithOne();
      const fresh = new MemoryMachine(bucket);
      bucket.down = reason;

      await expect(fresh.sync.pull()).rejects.toMatchObject({ reason });

      const status = await fresh.sync.status();
      expect(status).toMatchObject({ emptyStart: 'pending', problem: { code: reason } });
      bucket.down = null;
      await fresh.sync.pull();
      expect(fresh.texts()).toEqual(['from elsewhere']);
      expect(await emptyStartOf(fresh)).toBe('done');
    },
  );

  test('is done when the remote was reached and holds nothing', async () => {
    const fresh = new MemoryMachine(new MemoryBucket());
    expect(await emptyStartOf(fresh)).toBe('pending');
    await expect(fresh.sync.pull()).resolves.toMatchObject({ snapshots: [] });
    expect(await emptyStartOf(fresh)).toBe('done');
  });

  test('waits while the passphrase is wrong', async () => {
    const bucket = new MemoryBucket();
    const other = new MemoryMachine(bucket, { keyring: quickKeyring() });
    other.add('from elsewhere');
    await other.sync.push();
    const fresh = new MemoryMachine(bucket, { keyring: quickKeyring('mistyped') });

    await expect(fresh.sync.pull()).rejects.toMatchObject({ code: 'WRONG_PASSPHRASE' });

    const status = await fresh.sync.status();
    expect(status).toMatchObject({ emptyStart: 'pending', problem: { code: 'WRONG_PASSPHRASE' } });
    const { replica } = fresh;
    const corrected = new MemoryMachine(bucket, { replica, keyring: quickKeyring() });
    await corrected.sync.pull();
    expect(corrected.texts()).toEqual(['from elsewhere']);
    expect(await emptyStartOf(corrected)).toBe('done');
  });

  test('takes what it can and waits for the machine that it cannot read', async () => {
    const bucket = await bucketWithOne();
    const foreign = new MemoryMachine(bucket, { keyring: quickKeyring() });
    foreign.add('sealed');
    await foreign.sync.push();
    const fresh = new MemoryMachine(bucket);

    await fresh.sync.pull();

    expect(fresh.texts()).toEqual(['from elsewhere']);
    expect(await emptyStartOf(fresh)).toBe('pending');
  });

  test('is usable meanwhile, and loses nothing of both sides', async () => {
    const bucket = await bucketWithOne();
    const fresh = new MemoryMachine(bucket);
    bucket.down = 'unreachable';
    await expect(fresh.sync.pull()).rejects.toThrow();
    fresh.add('written meanwhile');
    expect(await emptyStartOf(fresh)).toBe('pending');
    bucket.down = null;

    await fresh.sync.push();

    expect(fresh.texts()).toEqual(['from elsewhere', 'written meanwhile']);
    expect(await emptyStartOf(fresh)).toBe('done');
  });

  test('is one too when the first memory came before sync was asked', async () => {
    const fresh = new MemoryMachine(await bucketWithOne());
    fresh.add('quick');
    fresh.sync.noteWrites(1);

    expect(await emptyStartOf(fresh)).toBe('pending');
  });
});

test('a store with memories takes nothing by itself', async () => {
  const bucket = await bucketWithOne();
  const old = new MemoryMachine(bucket);
  old.add('mine');

  await old.sync.push();

  expect(await emptyStartOf(old)).toBe('not-needed');
  expect(old.texts()).toEqual(['mine']);
});

test('a store that was emptied takes nothing by itself', async () => {
  const bucket = await bucketWithOne();
  const emptied = new MemoryMachine(bucket);
  emptied.replica.delete(emptied.add('mine'));

  await emptied.sync.push();

  expect(await emptyStartOf(emptied)).toBe('not-needed');
  expect(emptied.texts()).toEqual([]);
});
