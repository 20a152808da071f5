import { describe, expect, test } from 'vitest';
import { createBlobStore } from '../../../src/blob/create-blob-store.ts';
import type { BlobCall } from '../../../src/blob/in-memory-blob-store.ts';
import { SnapshotNotFoundError } from '../../../src/errors/backup-errors.ts';
import { MemoryBucket, MemoryMachine } from '../../helpers/sync/memory-machine.ts';

/** Each test is named after a defect that backup tools of this kind have had. */

function twoMachines(): { bucket: MemoryBucket; a: MemoryMachine; b: MemoryMachine } {
  const bucket = new MemoryBucket();
  return { bucket, a: new MemoryMachine(bucket), b: new MemoryMachine(bucket) };
}

/** Writes and deletes, which are all that changes a bucket. */
function recordChanges(bucket: MemoryBucket): BlobCall[] {
  const changes: BlobCall[] = [];
  bucket.onCall = (call) => {
    if (call.operation === 'put' || call.operation === 'delete') changes.push(call);
  };
  return changes;
}

describe('what is uploaded', () => {
  test('"latest" chosen by name: a later snapshot whose name sorts before', async () => {
    const { bucket, a, b } = twoMachines();
    a.add('old');
    await a.backup.backup({ kind: 'zzz_first' });
    bucket.time += 1_000;
    a.add('new');
    await a.backup.backup({ kind: 'aaa_second' });
    const { snapshot } = await a.sync.push();

    expect(snapshot.kind).toBe('aaa_second');
    await b.sync.pull();
    expect(b.texts()).toEqual(['new', 'old']);
  });

  test('"latest" chosen by time: the clock of the machine went back a year', async () => {
    const { bucket, a, b } = twoMachines();
    a.add('old');
    await a.sync.push();
    bucket.time -= 365 * 86_400_000;
    a.add('new');
    await a.sync.push();

    expect((await a.sync.snapshots()).at(-1)).toMatchObject({ live: 2, order: 'equal' });
    await b.sync.pull();
    expect(b.texts()).toEqual(['new', 'old']);
  });

  test('the state before a change uploaded instead of the one after', async () => {
    const { a, b } = twoMachines();
    const id = a.add('before');
    await a.sync.push();
    a.replica.write(id, 'after');
    await a.sync.push();
    await b.sync.pull();
    expect(b.texts()).toEqual(['after']);
    a.replica.delete(id);
    await a.sync.push();
    await b.sync.pull();
    expect(b.texts()).toEqual([]);
  });

  test('small changes never uploaded: one memory more among a thousand', async () => {
    const { a, b } = twoMachines();
    for (let index = 0; index < 1_000; index += 1) a.add(`memory ${index}`);
    await a.sync.push();
    const id = a.add('the small change');

    const { bytes } = await a.sync.push();

    expect(bytes).toBeLessThan(16 * 1024);
    await b.sync.pull();
    expect(b.replica.table.current(id)?.text).toBe('the small change');
  });

  test('success reported while the store was down', async () => {
    const { bucket, a } = twoMachines();
    a.add('one');
    bucket.down = 'unreachable';

    await expect(a.sync.push()).rejects.toMatchObject({ reason: 'unreachable' });

    const status = await a.sync.status();
    expect(status).toMatchObject({ lastPush: null, reachable: { value: false } });
    expect(status.relation).not.toBe('in-sync');
  });

  test('success reported although the store accepted the bytes and did not keep them', async () => {
    const { bucket, a } = twoMachines();
    a.add('one');
    bucket.onCall = ({ operation, key }) => {
      if (operation === 'get' && key.includes('/segments/')) bucket.objects.delete(key);
    };

    await expect(a.sync.push()).rejects.toMatchObject({ reason: 'integrity' });

    expect(bucket.keys(/\/head$/)).toEqual([]);
    await expect(a.sync.status()).resolves.toMatchObject({ lastPush: null });
  });

  test('half-uploaded snapshots listed: the connection breaks at each write in turn', async () => {
    for (let broken = 0; ; broken += 1) {
      const { bucket, a, b } = twoMachines();
      a.add('one');
      let puts = 0;
      bucket.onCall = (call) => {
        if (call.operation === 'put' && puts++ === broken) throw bucket.failure('interrupted', call);
      };
      const failed = await a.sync.push().then(
        () => false,
        () => true,
      );
      if (!failed) {
        expect(broken).toBe(3);
        return;
      }
      expect(await b.sync.snapshots()).toEqual([]);
      bucket.onCall = () => undefined;
      await a.sync.push();
      await b.sync.pull();
      expect(b.texts()).toEqual(['one']);
    }
  });

  test('two machines in the same second colliding', async () => {
    const { a, b } = twoMachines();
    a.add('of a');
    b.add('of b');
    const [first, second] = await Promise.all([a.sync.push(), b.sync.push()]);

    expect(first.snapshot.name).toBe(second.snapshot.name);
    expect(first.snapshot.id).not.toBe(second.snapshot.id);
    expect(await a.sync.snapshots()).toHaveLength(2);
    await expect(
      a.sync.restore({ snapshot: first.snapshot.name, mode: 'replace', dryRun: true }),
    ).rejects.toMatchObject({ code: 'SNAPSHOT_AMBIGUOUS' });
    const named = `${b.replica.machine}/${second.snapshot.name}`;
    const dry = await a.sync.restore({ snapshot: named, mode: 'replace', dryRun: true });
    expect(dry.snapshots).toMatchObject([{ id: second.snapshot.id }]);
  });

  test('one machine writing or deleting what belongs to another', async () => {
    const { bucket, a, b } = twoMachines();
    b.add('of b');
    await b.sync.push();
    const changes = recordChanges(bucket);
    a.add('of a');
    await a.sync.push();
    await a.sync.pull();
    await a.sync.verify({ level: 'drill' });
    await a.sync.prune({ policy: { keepLast: 1, hourly: 0, daily: 0, weekly: 0, monthly: 0 } });
    expect(changes.length).toBeGreaterThan(0);
    expect(changes.filter(({ key }) => !key.startsWith(`v1/${a.replica.machine}/`))).toEqual([]);
  });
});

describe('what is restored', () => {
  test.each(['replace', 'merge'] as const)(
    'overwriting before validating: %s of a damaged snapshot',
    async (mode) => {
      const { bucket, a, b } = twoMachines();
      b.add('of b');
      const { snapshot } = await b.sync.push();
      a.add('of a');
      const request = { snapshot: snapshot.id, mode } as const;
      const { confirm } = await a.sync.restore({ ...request, dryRun: true });
      for (const key of bucket.keys(/\/segments\//)) {
        const blob = bucket.objects.get(key);
        if (blob) bucket.objects.set(key, { ...blob, bytes: blob.bytes.subarray(1) });
      }
      const before = await a.stateDigest();

      await expect(a.sync.restore({ ...request, confirm })).rejects.toMatchObject({
        code: 'REPOSITORY_DAMAGED',
      });

      expect(await a.stateDigest()).toBe(before);
      expect(a.texts()).toEqual(['of a']);
    },
  );

  test('the restored backup rotated away by its own safety copy', async () => {
    const bucket = new MemoryBucket();
    const retention = { keepLast: 1, hourly: 0, daily: 0, weekly: 0, monthly: 0 };
    const a = new MemoryMachine(bucket, { retention });
    a.add('old');
    const { snapshot } = await a.backup.backup({ kind: 'auto' });
    const later = a.add('later');
    const request = { snapshot: snapshot.id, mode: 'replace' } as const;
    const { confirm } = await a.backup.restore({ ...request, dryRun: true });

    const { undo } = await a.backup.restore({ ...request, confirm });

    expect(a.texts()).toEqual(['old']);
    const left = (await a.backup.list()).map(({ id }) => id);
    expect(left).toContain(snapshot.id);
    expect(left).toContain(undo?.id);
    expect(a.replica.table.current(later)?.text).toBe('later');
  });

  test('auto-download tried once only and then an empty store uploaded', async () => {
    const { bucket, a } = twoMachines();
    a.add('one');
    await a.sync.push();
    const fresh = new MemoryMachine(bucket);
    bucket.down = 'timeout';
    await expect(fresh.sync.pull()).rejects.toThrow();
    await expect(fresh.sync.push()).rejects.toThrow();
    bucket.down = null;

    const { snapshot } = await fresh.sync.push();

    expect(fresh.texts()).toEqual(['one']);
    expect(snapshot.live).toBe(1);
    expect((await a.sync.snapshots()).map(({ live }) => live)).not.toContain(0);
  });

  test('an empty store replacing a full one: a machine that lacks memories deletes none elsewhere', async () => {
    const { a, b } = twoMachines();
    a.add('one');
    await a.sync.push();
    b.add('two');
    await b.sync.push();
    await a.sync.pull();
    expect(a.texts()).toEqual(['one', 'two']);
  });
});

describe('what is listed and named', () => {
  test('listing stopping at 1,000', async () => {
    const { bucket, a, b } = twoMachines();
    a.add('one');
    await a.sync.push();
    const machine = a.replica.machine;
    for (let index = 0; index < 2_500; index += 1) {
      const name = index.toString(16).padStart(64, '0');
      const key = `v1/${machine}/segments/${name}`;
      bucket.objects.set(key, { bytes: new Uint8Array(1), lastModified: bucket.time, etag: name });
    }
    b.add('two');
    await b.sync.push();

    const machines = (await a.sync.machines()).map((status) => status.machine);
    expect(machines.sort()).toEqual([machine, b.replica.machine].sort());
    await expect(b.sync.pull()).resolves.toMatchObject({ changes: { added: { count: 1 } } });
  });

  test.each([undefined, '', '/', '//', ' '])('an empty endpoint or prefix crashing: %j', async (blank) => {
    const store = await createBlobStore({
      provider: 's3',
      bucket: 'memories',
      region: 'eu-central-1',
      prefix: blank,
      endpoint: blank === undefined ? undefined : '',
      accessKey: 'key',
      secretKey: 'secret',
    });
    expect(store.location).toBe('s3://memories/ at Amazon S3');
    await store.close();
  });

  test.each([
    '../../etc/passwd',
    '..\\..\\windows',
    '/etc/passwd',
    'v1/../../outside',
    '%2e%2e%2f',
    '\u0000',
    '',
  ])('path traversal by name: %j', async (name) => {
    const { bucket, a } = twoMachines();
    a.add('one');
    await a.sync.push();
    const asked: string[] = [];
    bucket.onCall = ({ key }) => asked.push(key);

    await expect(a.sync.restore({ snapshot: name, mode: 'replace', dryRun: true })).rejects.toThrow(
      SnapshotNotFoundError,
    );
    expect(asked.filter((key) => key.includes('..') || key.includes('etc'))).toEqual([]);
  });

  test.each(['../outside', 'a/b', 'nul\u0000', ''])(
    'path traversal by the name of a new backup: %j',
    async (kind) => {
      const { a } = twoMachines();
      a.add('one');
      await expect(a.backup.backup({ kind })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      expect(a.folder.size).toBe(0);
    },
  );

  test('path traversal by keys in the bucket', async () => {
    const { bucket, a } = twoMachines();
    a.add('one');
    await a.sync.push();
    const machines = await a.sync.machines();
    for (const key of ['v1/../head', 'v1/..%2f/head', 'v1/UPPER/head', 'v1//head']) {
      bucket.objects.set(key, { bytes: Buffer.from('{}'), lastModified: bucket.time, etag: key });
    }
    expect(await a.sync.machines()).toEqual(machines);
  });
});
