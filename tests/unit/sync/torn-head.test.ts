import { describe, expect, test } from 'vitest';
import { idOf } from '../../helpers/model-store.ts';
import { MemoryBucket, MemoryMachine } from '../../helpers/sync/memory-machine.ts';

interface Scene {
  readonly bucket: MemoryBucket;
  readonly a: MemoryMachine;
  readonly b: MemoryMachine;
  /** Id of `a` at first. */
  readonly machine: string;
}

async function scene(): Promise<Scene> {
  const bucket = new MemoryBucket();
  const a = new MemoryMachine(bucket);
  const b = new MemoryMachine(bucket);
  a.add('of a');
  b.add('of b');
  await a.sync.push();
  await b.sync.push();
  await b.sync.pull();
  return { bucket, a, b, machine: a.replica.machine };
}

/** Puts other bytes in the place of the head. */
function damageHead({ bucket, machine }: Scene, change: (bytes: Uint8Array) => Uint8Array): void {
  const key = `v1/${machine}/head`;
  const stored = bucket.objects.get(key);
  if (stored === undefined) throw new Error('there is no head');
  bucket.objects.set(key, { ...stored, bytes: change(stored.bytes), etag: `${stored.etag}, damaged` });
}

const TEARS: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array])[] = [
  ['cut in half', (bytes) => bytes.slice(0, bytes.length >> 1)],
  ['empty', () => new Uint8Array()],
  ['half zero bytes', (bytes) => bytes.map((byte, index) => (index > bytes.length >> 1 ? 0 : byte))],
];

describe.each(TEARS)('an own head that is %s', (_, tear) => {
  test('is written again by the push that its message advises, under the same id', async () => {
    const all = await scene();
    const { a, b, machine } = all;
    damageHead(all, tear);
    const seen = (await b.sync.status()).machines.find((status) => status.machine === machine);
    expect(seen?.problem?.fix).toContain(`"faiss-memory sync push" on machine ${machine}`);

    await expect(a.sync.push()).resolves.toMatchObject({ outcome: 'pushed' });

    expect(a.replica.machine).toBe(machine);
    a.add('later');
    await a.sync.push();
    await b.sync.pull();
    expect(b.texts()).toEqual(['later', 'of a', 'of b']);
    const status = await b.sync.status();
    expect(status.machines.map(({ machine: id, problem }) => [id, problem])).toEqual(
      [machine, b.replica.machine].sort().map((id) => [id, null]),
    );
  });

  test('is healed by a verify, which then finds nothing', async () => {
    const all = await scene();
    damageHead(all, tear);
    await expect(all.a.sync.verify()).resolves.toMatchObject({
      healed: true,
      problems: [{ key: `v1/${all.machine}/head` }],
    });
    await expect(all.a.sync.verify()).resolves.toMatchObject({ healed: false, problems: [] });
    expect(all.a.replica.machine).toBe(all.machine);
  });

  test('does not hide how this machine stands to the others', async () => {
    const all = await scene();
    damageHead(all, tear);
    const { relation, warnings } = await all.a.sync.status();
    expect(relation).toBe('diverged');
    expect(warnings.join()).toContain(`v1/${all.machine}/head`);
  });
});

test('a head that was torn by a copy of the data folder is written again, and the copy takes a new id', async () => {
  const all = await scene();
  const { a, b, machine } = all;
  const copy = a.copy();
  a.replica.write(idOf(1), 'only of a');
  copy.replica.write(idOf(2), 'only of the copy');
  await copy.sync.push();
  damageHead(all, () => new Uint8Array());
  for (const one of [a, copy, b, a, copy, b, a, copy, b]) {
    await one.sync.push();
    await one.sync.pull();
  }
  expect([a, copy].filter(({ replica }) => replica.machine === machine)).toHaveLength(1);
  for (const one of [a, b, copy])
    expect(one.texts()).toEqual(['of a', 'of b', 'only of a', 'only of the copy']);
  expect(await a.stateDigest()).toBe(await b.stateDigest());
  expect(await copy.stateDigest()).toBe(await b.stateDigest());
});

describe('an own head of unknown bytes', () => {
  const unknown = (): Uint8Array => Buffer.from('nothing that this program writes');

  test('ends in a new id, and the old one leaves the remote', async () => {
    const all = await scene();
    const { bucket, a, b, machine } = all;
    damageHead(all, unknown);
    await a.sync.push();
    expect(a.replica.machine).not.toBe(machine);
    expect(bucket.keys(new RegExp(`^v1/${machine}/`))).toEqual([]);
    await b.sync.pull();
    expect(b.texts()).toEqual(['of a', 'of b']);
    const status = await b.sync.status();
    expect(status).toMatchObject({ relation: 'in-sync', problem: null, warnings: [] });
    expect(status.machines).toHaveLength(2);
    expect((await a.sync.status()).warnings).toEqual([]);
  });

  test('ends in a new id, and the old one leaves the lists also at a remote that refuses to delete', async () => {
    const all = await scene();
    const { bucket, a, b, machine } = all;
    bucket.onCall = (call) => {
      if (call.operation === 'delete') throw bucket.failure('access-denied', call);
    };
    damageHead(all, unknown);
    await a.sync.push();
    await b.sync.pull();
    const status = await b.sync.status();
    expect(status).toMatchObject({ relation: 'in-sync', problem: null, warnings: [] });
    expect(status.machines.map((found) => found.machine)).not.toContain(machine);
    expect(bucket.objects.has(`v1/${machine}/head`)).toBe(true);
  });

  test('stays, and is reported by every verify, while its folder has what this machine lacks', async () => {
    const all = await scene();
    const { bucket, a, machine } = all;
    const copy = a.copy();
    copy.replica.write(idOf(2), 'only of the copy');
    await copy.sync.push();
    damageHead(all, unknown);
    const problems = [{ key: `v1/${machine}/head` }];
    await expect(a.sync.verify()).resolves.toMatchObject({ healed: false, problems });
    await expect(a.sync.verify()).resolves.toMatchObject({ healed: false, problems });
    expect(bucket.keys(new RegExp(`^v1/${machine}/snapshots/`))).toHaveLength(2);
    const found = (await a.sync.status()).machines.find((status) => status.machine === machine);
    expect(found?.problem?.fix).toContain(`"faiss-memory sync forget ${machine}"`);
    await a.sync.forgetMachine(machine);
    await expect(a.sync.verify()).resolves.toMatchObject({ problems: [] });
  });
});

test('a folder without a head, of an id that was given up, is removed when a copy cannot be using it any more', async () => {
  const { bucket, a, b, machine } = await scene();
  const copy = a.copy();
  a.add('published');
  await a.sync.push();
  await b.sync.pull();
  await b.sync.push();
  bucket.objects.delete(`v1/${machine}/head`);
  copy.replica.write(idOf(2), 'only of the copy');
  await copy.sync.push();
  expect(copy.replica.machine).not.toBe(machine);
  const folder = new RegExp(`^v1/${machine}/`);
  expect(bucket.keys(folder)).not.toEqual([]);
  await copy.sync.pull();

  bucket.time += 25 * 3_600_000;
  await copy.sync.push();

  expect(bucket.keys(folder)).toEqual([]);
  await a.sync.push();
  await b.sync.pull();
  expect(a.replica.machine).toBe(machine);
  expect(b.texts()).toEqual(['of a', 'of b', 'only of the copy', 'published']);
  await expect(a.sync.verify({ heal: false })).resolves.toMatchObject({ problems: [] });
});

test('old heads that are put back again and again add no machine', async () => {
  const { bucket, a, b, machine } = await scene();
  const old = bucket.objects.get(`v1/${machine}/head`);
  if (old === undefined) throw new Error('there is no head');
  for (let round = 0; round < 6; round += 1) {
    a.add(`of round ${round}`);
    await a.sync.push();
    bucket.objects.set(
      `v1/${machine}/head`,
      round % 2 === 0 ? old : { ...old, bytes: old.bytes.slice(0, 40) },
    );
    await a.sync.pull();
    await b.sync.push();
  }
  await a.sync.push();
  await b.sync.pull();
  expect(a.replica.machine).toBe(machine);
  expect((await b.sync.status()).machines).toHaveLength(2);
  expect(b.texts()).toEqual(a.texts());
});

test('an old head that is put back does not list again what was pruned since', async () => {
  const bucket = new MemoryBucket();
  const retention = { keepLast: 1, hourly: 0, daily: 0, weekly: 0, monthly: 0 };
  const a = new MemoryMachine(bucket, { retention });
  const key = `v1/${a.replica.machine}/head`;
  a.add('one');
  await a.sync.push();
  const old = bucket.objects.get(key);
  if (old === undefined) throw new Error('there is no head');
  for (const text of ['two', 'three']) {
    bucket.time += 30 * 3_600_000;
    a.add(text);
    await a.sync.push();
    await a.sync.prune();
  }
  bucket.objects.set(key, old);
  a.add('four');

  await a.sync.push();

  await expect(a.sync.verify({ heal: false })).resolves.toMatchObject({ problems: [] });
});
