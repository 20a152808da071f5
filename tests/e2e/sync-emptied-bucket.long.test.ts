import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startFaultProxy } from '../helpers/fault-proxy.ts';
import type { ConnectedClient } from '../helpers/mcp/clients.ts';
import { minio } from '../helpers/servers/minio.ts';
import { startBucketServer, type BucketServer, type TestBucket } from '../helpers/sync/bucket-server.ts';
import { readAsStranger } from '../helpers/sync/complete-snapshots.ts';
import { SyncMachine } from '../helpers/sync/sync-machine.ts';

let server: BucketServer;

beforeAll(async () => {
  server = await startBucketServer([minio]);
});
afterAll(() => server.stop());

interface Status {
  readonly machine: string;
  readonly relation: string;
  readonly machines?: readonly { readonly machine: string; readonly gone?: boolean }[];
  readonly warnings?: readonly string[];
}

async function statusOf({ call }: ConnectedClient): Promise<Status> {
  return (await call('sync_status')).data as unknown as Status;
}

/** Ids of the machines that a status shows as gone, sorted. */
function goneIn({ machines = [] }: Status): string[] {
  return machines.flatMap(({ machine, gone }) => (gone === true ? [machine] : [])).toSorted();
}

async function empty({ store }: TestBucket): Promise<void> {
  for (const { key } of await store.list('')) await store.delete(key);
}

async function machinesWithHead({ store }: TestBucket): Promise<string[]> {
  const infos = await store.list('');
  return infos.flatMap(({ key }) => /([0-9a-f]{16})\/head$/.exec(key)?.[1] ?? []).toSorted();
}

/** Longer than the longest time between two looks of a server that nobody uses. */
const NEXT_LOOK = { timeout: 360_000, interval: 500 };

test(
  'the status names what an emptied bucket has lost, and idle servers upload their memories again by themselves',
  { timeout: 900_000 },
  async () => {
    const bucket = await server.createBucket();
    const settings = { ...bucket.environment(), CLOUD_SYNC_MODE: 'merge' };
    const cellar = new SyncMachine(settings);
    await cellar.add('Known in the cellar');
    await cellar.json(['sync', 'push']);
    const away = await cellar.machineId();
    const home = await new SyncMachine(settings).connect();
    const clients = [home, await new SyncMachine(settings).connect()];
    const ids: string[] = [];
    for (const [index, client] of clients.entries()) {
      await client.call('memory_add', { text: `Known in room ${index}` });
      await client.call('sync_upload');
      ids.push((await statusOf(client)).machine);
    }
    for (const client of clients) {
      await expect.poll(async () => (await client.call('memory_list')).data['total'], NEXT_LOOK).toBe(3);
    }
    await expect.poll(async () => (await statusOf(home)).relation, NEXT_LOOK).toBe('in-sync');

    await empty(bucket);
    // Nobody uses the memories from here on.
    const emptied = performance.now();
    await expect.poll(() => machinesWithHead(bucket), NEXT_LOOK).toEqual(ids.toSorted());
    console.info(`Uploaded again after ${((performance.now() - emptied) / 1_000).toFixed(1)} s`);
    for (const client of clients) {
      await expect.poll(async () => goneIn(await statusOf(client)), NEXT_LOOK).toEqual([away]);
      const { warnings = [] } = await statusOf(client);
      expect(warnings.join('\n')).toContain(`The backups of machine ${away} are gone from the remote`);
    }
    expect((await readAsStranger(bucket.store)).damage).toEqual([]);
    const reader = new SyncMachine(bucket.environment());
    await reader.json(['sync', 'pull']);
    expect(await reader.texts()).toEqual(['Known in room 0', 'Known in room 1', 'Known in the cellar']);
  },
);

test('the status names all heads that are gone, the own one too, while nothing can be uploaded', async () => {
  const bucket = await server.createBucket();
  const proxy = await startFaultProxy(server.address);
  onTestFinished(() => proxy.close());
  const settings = bucket.environment(proxy.port);
  const [home, office] = [new SyncMachine(settings), new SyncMachine(settings)];
  for (const machine of [home, office]) {
    await machine.json(['add', 'A fact']);
    await machine.json(['sync', 'push']);
  }
  const [own, other] = [await home.machineId(), await office.machineId()];
  const client = await home.connect();
  expect(goneIn(await statusOf(client))).toEqual([]);
  proxy.plan((_, { method }) => (method === 'PUT' ? { kind: 'status', status: 503 } : undefined));
  await empty(bucket);
  const status = await statusOf(client);
  expect(goneIn(status)).toEqual([own, other].toSorted());
  const warnings = (status.warnings ?? []).join('\n');
  expect(warnings).toContain(`The backups of this machine (${own}) are gone from the remote`);
  expect(warnings).toContain(`The backups of machine ${other} are gone from the remote`);
});
