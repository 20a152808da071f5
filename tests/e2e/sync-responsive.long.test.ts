import { afterAll, beforeAll, expect, test } from 'vitest';
import { startFaultProxy, type FaultProxy } from '../helpers/fault-proxy.ts';
import { versitygw } from '../helpers/servers/versitygw.ts';
import { startBucketServer, type BucketServer } from '../helpers/sync/bucket-server.ts';
import { SyncMachine } from '../helpers/sync/sync-machine.ts';

let server: BucketServer;
let proxy: FaultProxy;

beforeAll(async () => {
  server = await startBucketServer([versitygw]);
  proxy = await startFaultProxy(server.address);
});
afterAll(async () => {
  await proxy.close();
  await server.stop();
});

test(
  'searches are answered while many memories are backed up and uploaded',
  { timeout: 120_000 },
  async () => {
    const bucket = await server.createBucket();
    const machine = new SyncMachine({
      ...bucket.environment(proxy.port),
      MEMORY_BACKUP_ENABLED: 'false',
      CLOUD_SYNC_PASSPHRASE: 'seven tired herons',
    });
    const memories = Array.from({ length: 4_000 }, (_, index) => `Fact ${index} about heron${index}`);
    await machine.add(...memories);
    const { call } = await machine.connect();
    const uploaded = new AbortController();
    const upload = call('sync_upload').finally(() => {
      uploaded.abort();
    });
    let answered = 0;
    while (!uploaded.signal.aborted) {
      const { data } = await call('memory_search', { query: `heron${answered}`, mode: 'keyword', limit: 1 });
      expect(data['hits']).toMatchObject([{ text: `Fact ${answered} about heron${answered}` }]);
      answered += 1;
    }
    expect((await upload).data).toMatchObject({ uploaded: true, memories: 4_000 });
    expect(answered).toBeGreaterThan(20);
  },
);

test('memories are added and found while the bucket does not answer', { timeout: 120_000 }, async () => {
  const bucket = await server.createBucket();
  const machine = new SyncMachine({ ...bucket.environment(proxy.port), MEMORY_BACKUP_ENABLED: 'false' });
  await machine.json(['add', 'known before']);
  proxy.plan(() => ({ kind: 'stall' }));
  const { call } = await machine.connect();
  let settled = false;
  const upload = call('sync_upload').finally(() => {
    settled = true;
  });
  for (let index = 0; index < 20; index += 1) {
    expect((await call('memory_add', { text: `added meanwhile ${index}` })).isError).toBe(false);
  }
  const found = await call('memory_search', { query: 'meanwhile', mode: 'keyword', limit: 50 });
  expect(found.data['hits']).toHaveLength(20);
  expect(settled).toBe(false);
  proxy.plan(() => ({ kind: 'status', status: 403 }));
  void upload.catch(() => undefined);
});
