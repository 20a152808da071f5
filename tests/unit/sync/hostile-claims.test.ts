import { describe, expect, test } from 'vitest';
import { believedClock, claimProblem } from '../../../src/backup/claims.ts';
import { InMemoryHeadJournal } from '../../helpers/in-memory-head-journal.ts';
import { Repository } from '../../../src/backup/repository/repository.ts';
import { MAX_COUNTER } from '../../../src/memory/version.ts';
import { idOf } from '../../helpers/model-store.ts';
import { changeHead, publishStrange, STRANGER, strangeState } from '../../helpers/sync/hostile-snapshot.ts';
import { MemoryBucket, MemoryMachine } from '../../helpers/sync/memory-machine.ts';

function scene(): { bucket: MemoryBucket; a: MemoryMachine; b: MemoryMachine; own: string } {
  const bucket = new MemoryBucket();
  const a = new MemoryMachine(bucket);
  const b = new MemoryMachine(bucket);
  a.add('one');
  return { bucket, a, b, own: a.replica.machine };
}

describe('a snapshot of a stranger is refused, and nothing here changes, when it', () => {
  test.each([1, 1_000, MAX_COUNTER - 1, Number.MAX_SAFE_INTEGER])(
    'claims %i more writes of this machine than it made',
    async (more) => {
      const { bucket, a, own } = scene();
      await a.sync.push();
      const before = a.replica.table;
      await publishStrange(
        bucket.open(),
        { [STRANGER]: 1, [own]: Math.min(1 + more, Number.MAX_SAFE_INTEGER) },
        [strangeState(50)],
      );

      await expect(a.sync.pull()).rejects.toMatchObject({
        code: 'REPOSITORY_DAMAGED',
        message: expect.stringContaining(`writes of this machine (${own}), which has made 1`) as string,
      });
      expect(a.replica.table).toBe(before);
      expect((await a.sync.status()).warnings.join()).toContain(STRANGER);
      a.add('two');
      await expect(a.sync.push()).resolves.toMatchObject({ outcome: 'pushed' });
      const status = await a.sync.status();
      expect(status.machines.map(({ machine }) => machine).sort()).toEqual([own, STRANGER].sort());
      expect(status).toMatchObject({ unsentWrites: 0, relation: 'behind' });
    },
  );

  test('claims more writes of a third machine than that has published', async () => {
    const { bucket, a, b } = scene();
    b.add('of b');
    await b.sync.push();
    await publishStrange(bucket.open(), { [STRANGER]: 1, [b.replica.machine]: 500 }, [strangeState(50)]);

    const { warnings } = await a.sync.pull();

    expect(a.texts()).toEqual(['of b', 'one']);
    expect(warnings?.join()).toContain('whose own backups hold 1');
    b.add('later');
    await b.sync.push();
    await a.sync.pull();
    expect(a.texts()).toEqual(['later', 'of b', 'one']);
  });

  test('names thousands of machines', async () => {
    const { bucket, a } = scene();
    const clock: Record<string, number> = { [STRANGER]: 1 };
    for (let index = 0; index < 5_000; index += 1) clock[(0x1000 + index).toString(16).padStart(16, 'd')] = 1;
    await publishStrange(bucket.open(), clock, [strangeState(50)]);

    await expect(a.sync.pull()).rejects.toThrow('names 5001 machines that were never seen here');
  });

  test('has a version that its version vector does not include', async () => {
    const { bucket, a } = scene();
    await publishStrange(bucket.open(), { [STRANGER]: 1 }, [
      strangeState(50, { dot: { machine: STRANGER, n: 9 } }),
    ]);

    await expect(a.sync.pull()).rejects.toThrow('has write 9 of machine');
  });

  test.each([
    ['a text longer than any machine accepts', { text: 'x'.repeat(6_500_000) }, '6500000 bytes'],
    [
      'thousands of tags',
      { tags: Array.from({ length: 5_000 }, (_, n) => `t${String(n).padStart(5, '0')}`) },
      '5000 tags',
    ],
    ['a huge tag', { tags: ['y'.repeat(600)] }, 'a tag of 600 characters'],
    ['a huge source', { source: 's'.repeat(5_000) }, 'a source of 5000 characters'],
    ['huge metadata', { metadata: { a: 'm'.repeat(70_000) } }, 'metadata of 70008 characters'],
  ])('has %s', async (_, version, problem) => {
    const { bucket, a } = scene();
    const before = a.replica.table;
    await publishStrange(bucket.open(), { [STRANGER]: 1 }, [strangeState(50, version)]);

    await expect(a.sync.pull()).rejects.toThrow(problem);
    expect(a.replica.table).toBe(before);
  });
});

test('a claim about a machine whose backups are gone is believed, and taken back by a repair once they are there', async () => {
  const { bucket, a, b } = scene();
  b.add('of b');
  await b.sync.push();
  await a.sync.pull();
  bucket.objects.delete(`v1/${b.replica.machine}/head`);
  await publishStrange(bucket.open(), { [STRANGER]: 1, [b.replica.machine]: 500 }, [strangeState(50)]);
  await a.sync.pull();
  await a.sync.forgetMachine(STRANGER, { unmerged: true });
  b.add('later');
  await b.sync.push();
  await a.sync.pull();
  expect(a.texts()).not.toContain('later');
  expect((await a.sync.status()).warnings.join()).toContain('doctor --fix');

  await a.sync.repairCounters({ fix: true });
  await a.sync.pull();

  expect(a.texts()).toEqual(['later', 'of b', 'one', 'theirs']);
  expect((await a.sync.status()).warnings).toEqual([]);
});

test('following the advice of a refusal ends it', async () => {
  const { bucket, a, own } = scene();
  await publishStrange(bucket.open(), { [STRANGER]: 1, [own]: 7 }, [strangeState(50)]);
  await expect(a.sync.pull()).rejects.toMatchObject({
    fix: expect.stringContaining(`sync forget ${STRANGER} --unmerged`) as string,
  });

  await a.sync.forgetMachine(STRANGER, { unmerged: true });

  await expect(a.sync.pull()).resolves.toMatchObject({ snapshots: [] });
});

test('a machine whose writes another one claims without a witness takes a new id by repair, and loses nothing', async () => {
  const { bucket, a, own } = scene();
  await publishStrange(bucket.open(), { [STRANGER]: 1, [own]: 2 }, [strangeState(50)]);
  await expect(a.sync.pull()).rejects.toThrow('which has made 1');

  const { claimedByOthers, machine } = await a.sync.repairCounters({ fix: true });

  expect(claimedByOthers).toEqual([{ machine: STRANGER, claimed: 2 }]);
  expect(machine).not.toBe(own);
  await a.sync.pull();
  expect(a.texts()).toEqual(['one', 'theirs']);
});

test('an own head with other numbers around an own commit is not believed', async () => {
  const { bucket, a, own } = scene();
  await a.sync.push();
  const repository = new Repository({
    store: bucket.open(),
    repositoryId: 'stranger',
    machine: own,
    journal: new InMemoryHeadJournal(),
    keyring: null,
  });
  const { head } =
    (await repository.listSnapshots()).machines.find(({ machine }) => machine === own)?.head ?? {};
  if (head === undefined) throw new Error('there is no head');
  const { encodeHead } = await import('../../../src/backup/format/head.ts');
  const { encodeObject } = await import('../../../src/backup/repository/repository-objects.ts');
  const forged = encodeHead({ ...head, seq: Number.MAX_SAFE_INTEGER - 1, snapshots: [] });
  const bytes = await encodeObject({ kind: 'head', machine: own }, forged, {
    dataKey: null,
    random: () => Buffer.alloc(0),
  });
  await bucket.open().put(`v1/${own}/head`, bytes);
  await a.sync.status();
  a.add('two');

  await a.sync.push();
  a.add('three');
  await a.sync.push();

  const status = await a.sync.status();
  expect(status).toMatchObject({ machine: own, relation: 'in-sync' });
});

describe('a version vector', () => {
  const own = 'aaaa000000000001';
  const clock = { [own]: 3, bbbb000000000001: 5 };

  test('is believed as far as its machines go', () => {
    const published = { bbbb000000000001: 5 };
    expect(
      claimProblem(
        { [own]: 3, bbbb000000000001: 5, cccc000000000001: 9 },
        { machine: own, clock, published },
      ),
    ).toBeNull();
    expect(claimProblem({ bbbb000000000001: 6 }, { machine: own, clock, published })).toContain('hold 5');
    expect(
      claimProblem({ cccc000000000001: MAX_COUNTER + 1 }, { machine: own, clock, published: {} }),
    ).toContain('more than any machine can make');
  });

  test('of the remote counts own writes only by the own head', () => {
    const snapshot = {
      snapshotId: 's',
      machine: STRANGER,
      clock: { [own]: 99, [STRANGER]: 2 },
    } as unknown as Parameters<typeof believedClock>[0]['snapshots'][number];
    expect(believedClock({ snapshots: [snapshot], machines: [] }, own)).toEqual({ [STRANGER]: 2 });
  });
});

test('a stranger can replace the shown version of a memory in an unencrypted bucket', async () => {
  const { bucket, a, own } = scene();
  await a.sync.push();
  a.replica.write(idOf(7), 'mine');
  await publishStrange(bucket.open(), { [STRANGER]: 1, [own]: 2 }, [strangeState(7)]);

  await a.sync.pull();

  expect(a.texts()).toEqual(['one', 'theirs']);
});

test('an invented commit under the own id ends in one new id, once, and changes no memory', async () => {
  const { bucket, a, own } = scene();
  await a.sync.push();
  await publishStrange(bucket.open(), { [STRANGER]: 1 }, [strangeState(50)]);
  const invented = [[own, [[9, 'deadbeefdeadbeef', 9]]]];
  changeHead(bucket.objects, STRANGER, (head) => ({ ...head, witnesses: invented }));

  await a.sync.pull();
  const { machine } = a.replica;
  for (let round = 0; round < 3; round += 1) {
    await a.sync.push();
    await a.sync.pull();
  }

  expect(machine).not.toBe(own);
  expect(a.replica.machine).toBe(machine);
  expect(a.texts()).toEqual(['one', 'theirs']);
  expect(bucket.keys(new RegExp(`^v1/${own}/`))).toEqual([]);
});
