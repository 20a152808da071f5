import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { versitygw } from '../helpers/servers/versitygw.ts';
import { startBucketServer, type BucketServer, type TestBucket } from '../helpers/sync/bucket-server.ts';
import { ComposedMachine } from '../helpers/sync/composed-machine.ts';
import { HostileScene } from '../helpers/sync/hostile-scene.ts';

const PASSPHRASE = 'seven tired herons';

let server: BucketServer;
let bucket: TestBucket;

beforeAll(async () => {
  server = await startBucketServer([versitygw]);
});
afterAll(() => server.stop());
beforeEach(async () => {
  bucket = await server.createBucket();
});

describe('an older list of snapshots that is put back', () => {
  test('undoes nothing, is reported, and is put right by its owner', async () => {
    const scene = await HostileScene.create(bucket, PASSPHRASE);
    expect(await scene.pull()).toBeNull();
    for (const [key, bytes] of scene.first) await bucket.store.put(key, bytes);
    expect(await scene.pull()).toBeNull();
    expect(await scene.reader.texts()).toEqual(['fact 1', 'fact 2']);
    const { machines, warnings } = await scene.reader.sync.status();
    expect(machines).toContainEqual(expect.objectContaining({ own: false, rolledBack: true }));
    expect(warnings.join()).toMatch(/fewer backups at the remote than before/);
    await scene.writer.add('fact 3');
    await scene.writer.sync.push();
    expect(await scene.pull()).toBeNull();
    expect((await scene.reader.sync.status()).warnings).toEqual([]);
  });
});

describe('a bucket that was emptied', () => {
  test('takes nothing from any machine, and is filled again', async () => {
    const scene = await HostileScene.create(bucket);
    expect(await scene.pull()).toBeNull();
    for (const { key } of await bucket.store.list('')) await bucket.store.delete(key);
    await scene.reader.sync.pull();
    expect(await scene.reader.texts()).toEqual(['fact 1', 'fact 2']);
    await scene.writer.sync.push();
    const other = new ComposedMachine(bucket);
    await other.sync.pull();
    expect(await other.texts()).toEqual(['fact 1', 'fact 2']);
  });
});

describe('objects that were swapped', () => {
  test.each(['segments', 'snapshots'] as const)('two %s: an error, and nothing is changed', async (kind) => {
    const scene = await HostileScene.create(bucket, PASSPHRASE);
    const other = [...scene.first].find(([key]) => key.includes(`/${kind}/`))?.[1];
    await scene.harm(kind, () => other ?? null);
    expect(await scene.pull()).toBe('REPOSITORY_DAMAGED');
  });

  test('a whole folder under the name of another machine: an error, and nothing is changed', async () => {
    const scene = await HostileScene.create(bucket, PASSPHRASE);
    for (const [key, bytes] of scene.second) {
      await bucket.store.delete(key);
      await bucket.store.put(key.replace(/^v1\/[0-9a-f]{16}/, 'v1/0123456789abcdef'), bytes);
    }
    expect(await scene.pull()).toBe('REPOSITORY_DAMAGED');
  });
});

describe('keys', () => {
  test.each([
    ['another passphrase', 'eight tired herons', 'WRONG_PASSPHRASE'],
    ['no passphrase', undefined, 'MISSING_KEY'],
  ])(
    'with %s a machine gets an error of its own, keeps what it has, and goes on',
    async (_, passphrase, code) => {
      await HostileScene.create(bucket, PASSPHRASE);
      const machine = new ComposedMachine(bucket, passphrase);
      await machine.add('of the other machine');
      const before = await machine.stateDigest();
      await expect(machine.sync.pull()).rejects.toMatchObject({ code });
      expect(await machine.stateDigest()).toBe(before);
      expect((await machine.sync.status()).problem).toMatchObject({ code });
    },
  );

  test('that were removed are an error, and come back with the next push of their machine', async () => {
    const scene = await HostileScene.create(bucket, PASSPHRASE);
    await scene.harm('key.json', () => null);
    // What is known stays known while a process runs, so this is a machine that comes later.
    const late = new ComposedMachine(bucket, PASSPHRASE);
    await expect(late.sync.pull()).rejects.toMatchObject({ code: 'MISSING_KEY' });
    await scene.writer.add('fact 3');
    await scene.writer.sync.push();
    await late.sync.pull();
    expect(await late.texts()).toEqual(['fact 1', 'fact 2', 'fact 3']);
  });

  test('plain objects where encrypted ones are expected are refused', async () => {
    await HostileScene.create(bucket);
    const reader = new ComposedMachine(bucket, PASSPHRASE);
    await expect(reader.sync.pull()).rejects.toMatchObject({ code: 'ENCRYPTION_DOWNGRADE' });
    expect(await reader.texts()).toEqual([]);
  });

  test('a machine that cannot be read does not keep out the others', async () => {
    const stranger = new ComposedMachine(bucket, 'another passphrase');
    await stranger.add('of the stranger');
    await stranger.sync.push();
    const scene = await HostileScene.create(bucket, PASSPHRASE);
    const { warnings } = await scene.reader.sync.pull();
    expect(await scene.reader.texts()).toEqual(['fact 1', 'fact 2']);
    expect(warnings?.join()).toMatch(/passphrase does not open the backups of machine/);
  });
});
