import { describe, expect, test } from 'vitest';
import { MemoryBucket, MemoryMachine } from '../../helpers/sync/memory-machine.ts';
import { quickKeyring } from '../../helpers/test-repository.ts';

describe('relation', () => {
  test('follows from what both sides include', async () => {
    const bucket = new MemoryBucket();
    const a = new MemoryMachine(bucket);
    const b = new MemoryMachine(bucket);
    a.add('one');
    await expect(a.sync.status({ offline: true })).resolves.toMatchObject({ relation: 'unknown' });
    await expect(a.sync.status()).resolves.toMatchObject({ relation: 'ahead', unsentWrites: 1 });
    await a.sync.push();
    await expect(a.sync.status()).resolves.toMatchObject({ relation: 'in-sync', unsentWrites: 0 });
    await expect(b.sync.status()).resolves.toMatchObject({ relation: 'behind', unsentWrites: 0 });
    b.add('two');
    await expect(b.sync.status()).resolves.toMatchObject({ relation: 'diverged', unsentWrites: 1 });
    await b.sync.pull();
    await expect(b.sync.status()).resolves.toMatchObject({ relation: 'ahead' });
    await b.sync.push();
    await expect(b.sync.status()).resolves.toMatchObject({ relation: 'in-sync' });
    await expect(a.sync.status()).resolves.toMatchObject({ relation: 'behind' });
  });

  test('is known without asking once the remote was asked', async () => {
    const bucket = new MemoryBucket();
    const a = new MemoryMachine(bucket);
    a.add('one');
    await a.sync.push();
    bucket.onCall = () => {
      throw new Error('the remote was asked');
    };
    await expect(a.sync.status({ offline: true })).resolves.toMatchObject({
      relation: 'in-sync',
      machines: [],
    });
    a.add('two');
    await expect(a.sync.status({ offline: true })).resolves.toMatchObject({
      relation: 'ahead',
      unsentWrites: 1,
    });
  });
});

describe('what was observed', () => {
  test('comes with its time', async () => {
    const bucket = new MemoryBucket();
    const a = new MemoryMachine(bucket);
    a.add('one');
    const { snapshot } = await a.sync.push();
    const at = bucket.time;
    bucket.time += 5_000;

    const status = await a.sync.status();

    expect(status.lastPush).toEqual({ value: { snapshot: snapshot.name }, at });
    expect(status.reachable).toEqual({ value: true, at: bucket.time });
    expect(status.stateDigest).toBe(await a.stateDigest());
    expect(status.location).toBe('memory:');
  });

  test.each([
    ['unreachable', false],
    ['timeout', false],
    ['access-denied', true],
    ['bad-credentials', true],
    ['no-bucket', true],
  ] as const)('%s is a problem, and not an error', async (reason, reachable) => {
    const bucket = new MemoryBucket();
    const a = new MemoryMachine(bucket);
    bucket.down = reason;

    const status = await a.sync.status();

    expect(status.problem).toMatchObject({ code: reason, at: bucket.time });
    expect(status.reachable).toEqual({ value: reachable, at: bucket.time });
    bucket.down = null;
    await expect(a.sync.status()).resolves.toMatchObject({ problem: null, reachable: { value: true } });
  });

  test('a remote that never answers does not hold up the status, and is heard when it does', async () => {
    const bucket = new MemoryBucket();
    const a = new MemoryMachine(bucket, { statusWaitMs: 0 });
    a.add('one');
    await a.sync.push();
    const answers: (() => void)[] = [];
    bucket.onCall = () => new Promise<void>((resolve) => answers.push(resolve));

    const status = await a.sync.status();

    expect(status).toMatchObject({ reachable: { value: false }, problem: { code: 'timeout' }, machines: [] });
    expect(status.relation).toBe('in-sync');
    bucket.onCall = () => undefined;
    for (const answer of answers) answer();
    await expect
      .poll(() => a.sync.status({ offline: true }))
      .toMatchObject({ reachable: { value: true }, problem: null });
  });

  test('a remote that refuses to delete is told, until it deletes', async () => {
    const bucket = new MemoryBucket();
    const retention = { keepLast: 1, hourly: 0, daily: 0, weekly: 0, monthly: 0 };
    const a = new MemoryMachine(bucket, { retention });
    const day = 24 * 3_600_000;
    bucket.onCall = (call) => {
      if (call.operation === 'delete') throw bucket.failure('access-denied', call);
    };
    for (let push = 0; push < 3; push += 1) {
      a.add(`memory ${push}`);
      await a.sync.push();
      bucket.time += 2 * day;
    }
    await expect(a.sync.status()).resolves.toMatchObject({
      problem: null,
      warnings: [expect.stringContaining('refuses to delete')],
    });
    bucket.onCall = () => undefined;

    await a.sync.prune();

    await expect(a.sync.status()).resolves.toMatchObject({ warnings: [] });
    expect(bucket.keys(/\/snapshots\//)).toHaveLength(1);
  });

  test('a refused upload stays a problem although the remote can be read', async () => {
    const bucket = new MemoryBucket();
    const a = new MemoryMachine(bucket);
    a.add('one');
    bucket.onCall = (call) => {
      if (call.operation === 'put') throw bucket.failure('access-denied', call);
    };
    await expect(a.sync.push()).rejects.toMatchObject({ reason: 'access-denied' });
    bucket.onCall = () => undefined;

    await expect(a.sync.status()).resolves.toMatchObject({
      problem: { code: 'access-denied' },
      lastPush: null,
      unsentWrites: 1,
    });
    await a.sync.push();
    await expect(a.sync.status()).resolves.toMatchObject({ problem: null });
  });

  test('an upload that the end of the process cut off is no problem of the remote', async () => {
    const bucket = new MemoryBucket();
    const a = new MemoryMachine(bucket);
    a.add('one');
    bucket.onCall = ({ operation }) => (operation === 'put' ? a.sync.close() : undefined);

    await expect(a.sync.push()).rejects.toMatchObject({ reason: 'closed' });

    const next = new MemoryMachine(bucket, { replica: a.replica, folder: a.folder });
    await expect(next.sync.status({ offline: true })).resolves.toMatchObject({
      problem: null,
      reachable: null,
    });
    bucket.onCall = () => undefined;
    await expect(next.sync.push()).resolves.toMatchObject({ outcome: 'pushed' });
  });

  test('a problem of one machine does not hide the others', async () => {
    const bucket = new MemoryBucket();
    const a = new MemoryMachine(bucket, { keyring: quickKeyring() });
    const b = new MemoryMachine(bucket, { keyring: quickKeyring('another passphrase') });
    a.add('one');
    await a.sync.push();
    b.add('two');
    await b.sync.push();

    const { machines, problem, encrypted } = await a.sync.status();

    expect(encrypted).toBe(true);
    expect(problem?.code).toBe('WRONG_PASSPHRASE');
    const own = machines.find((machine) => machine.own);
    expect(own).toMatchObject({ problem: null, snapshots: 1, order: 'equal' });
    const other = machines.find((machine) => !machine.own);
    expect(other).toMatchObject({ problem: { code: 'WRONG_PASSPHRASE' }, newest: null, order: null });
  });

  test('a head that went back is told', async () => {
    const bucket = new MemoryBucket();
    const a = new MemoryMachine(bucket);
    const b = new MemoryMachine(bucket);
    b.add('one');
    await b.sync.push();
    const older = new Map(bucket.objects);
    b.add('two');
    await b.sync.push();
    await a.sync.pull();
    bucket.objects.clear();
    for (const [key, blob] of older) bucket.objects.set(key, blob);

    const { warnings, machines } = await a.sync.status();

    expect(machines.find(({ machine }) => machine === b.replica.machine)?.rolledBack).toBe(true);
    expect(warnings).toEqual([expect.stringContaining(b.replica.machine)]);
    expect(a.texts()).toEqual(['one', 'two']);
    // The owner's next push puts it right.
    await b.sync.push();
    await expect(a.sync.status()).resolves.toMatchObject({ warnings: [], relation: 'in-sync' });
  });

  test('no secret and no text of a memory is told', async () => {
    const bucket = new MemoryBucket();
    const a = new MemoryMachine(bucket, { keyring: quickKeyring('a long passphrase') });
    a.add('a very private thing');
    await a.sync.push();
    const told = JSON.stringify(await a.sync.status());
    expect(told).not.toContain('private');
    expect(told).not.toContain('passphrase');
  });
});
