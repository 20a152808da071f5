import { randomBytes } from 'node:crypto';
import { cpSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FolderBlobStore } from '../../src/blob/folder/folder-blob-store.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { smallDisk } from '../helpers/small-disk.ts';
import { versitygw } from '../helpers/servers/versitygw.ts';
import { startBucketServer, type BucketServer, type TestBucket } from '../helpers/sync/bucket-server.ts';
import { readAsStranger } from '../helpers/sync/complete-snapshots.ts';
import { SyncMachine } from '../helpers/sync/sync-machine.ts';

let server: BucketServer;
let bucket: TestBucket;

beforeAll(async () => {
  server = await startBucketServer([versitygw]);
});
afterAll(() => server.stop());
beforeEach(async () => {
  bucket = await server.createBucket();
});

function copyOf(machine: SyncMachine): SyncMachine {
  const folder = temporaryFolder();
  cpSync(machine.folder, folder, { recursive: true });
  return new SyncMachine(machine.environment, folder);
}

/** What an empty machine gets from the bucket. */
async function textsInBucket(): Promise<string[]> {
  const reader = new SyncMachine(bucket.environment());
  await reader.json(['sync', 'pull']);
  return reader.texts();
}

describe('several processes on one data folder', { timeout: 120_000 }, () => {
  test('push at the same time, while others add, and nothing is lost or half listed', async () => {
    const machine = new SyncMachine(bucket.environment());
    await machine.json(['add', 'fact 0']);
    const work = Array.from({ length: 4 }, async (_, index) => {
      await machine.json(['add', `fact ${index + 1}`]);
      await machine.json(['sync', 'push']);
    });
    await Promise.all(work);
    expect((await readAsStranger(bucket.store)).damage).toEqual([]);
    expect(await textsInBucket()).toEqual(['fact 0', 'fact 1', 'fact 2', 'fact 3', 'fact 4']);
  });
});

describe('a data folder that was copied to another machine', { timeout: 120_000 }, () => {
  test('becomes a machine of its own; both push, and no write of either is lost', async () => {
    const machine = new SyncMachine(bucket.environment());
    await machine.json(['add', 'known to both']);
    await machine.json(['sync', 'push']);
    const copy = copyOf(machine);
    await Promise.all([machine.json(['add', 'of the first']), copy.json(['add', 'of the copy'])]);
    await machine.json(['sync', 'push']);
    await copy.json(['sync', 'push']);
    expect(await copy.machineId()).not.toBe(await machine.machineId());
    expect(await textsInBucket()).toEqual(['known to both', 'of the copy', 'of the first']);
    for (const each of [machine, copy]) await each.json(['sync', 'pull']);
    expect(await copy.digests()).toEqual(await machine.digests());
    expect(await copy.texts()).toEqual(['known to both', 'of the copy', 'of the first']);
  });

  test('and back in time is noticed; what was written before and after is all there', async () => {
    const machine = new SyncMachine(bucket.environment());
    await machine.json(['add', 'in the old copy']);
    await machine.json(['sync', 'push']);
    const old = copyOf(machine);
    await machine.json(['add', 'after the copy']);
    await machine.json(['sync', 'push']);
    rmSync(join(machine.folder, 'memories'), { recursive: true });
    cpSync(join(old.folder, 'memories'), join(machine.folder, 'memories'), { recursive: true });
    await machine.json(['add', 'after the way back']);
    await machine.json(['sync', 'push']);
    expect(await textsInBucket()).toEqual(['after the copy', 'after the way back', 'in the old copy']);
    await machine.json(['sync', 'pull']);
    expect(await machine.texts()).toEqual(['after the copy', 'after the way back', 'in the old copy']);
  });
});

describe('a disk that is full', { timeout: 120_000 }, () => {
  test('stops a backup with a clear error; the memories stay, and the next backup works', async () => {
    const machine = new SyncMachine({ MEMORY_BACKUP_ENABLED: 'false' }, smallDisk(4_096));
    const { settings } = await machine.json<{ settings: { key: string; value: string }[] }>(['config']);
    const dataDir = settings.find(({ key }) => key === 'dataDir')?.value ?? '';
    const texts = Array.from({ length: 3 }, () => randomBytes(60_000).toString('hex').slice(0, 99_000));
    for (const text of texts) await machine.json(['add', '-'], { input: text });
    const filler = join(dataDir, 'filler');
    fillDisk(filler);
    const failure = await machine.failure(['backup']);
    expect(failure).toMatchObject({ code: expect.stringMatching(/^(?:BLOB_STORE|STORE_FULL)$/) as string });
    expect(failure.fix).toBeTruthy();
    rmSync(filler);
    expect(await machine.texts()).toEqual(texts.toSorted());
    await machine.json(['backup']);
    const local = new FolderBlobStore(join(dataDir, 'backups'));
    const { names, damage } = await readAsStranger(local);
    expect(names).toHaveLength(1);
    expect(damage).toEqual([]);
  });
});

/** Leaves a few KiB, so that reading goes on. */
function fillDisk(path: string): void {
  const { bavail, bsize } = statfsSync(dirname(path));
  writeFileSync(path, Buffer.alloc(Math.max(0, bavail * bsize - 64 * 1_024)));
}
