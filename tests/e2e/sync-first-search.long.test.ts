import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { startFaultProxy, type FaultProxy } from '../helpers/fault-proxy.ts';
import type { ConnectedClient } from '../helpers/mcp/clients.ts';
import { minio } from '../helpers/servers/minio.ts';
import { startBucketServer, type BucketServer, type TestBucket } from '../helpers/sync/bucket-server.ts';
import { SyncMachine } from '../helpers/sync/sync-machine.ts';

/** Far below the time that a request may take. A first search waits 300 ms, and on a busy machine everything is slow. */
const LONGEST_MS = 10_000;

let server: BucketServer;
let bucket: TestBucket;
let proxy: FaultProxy;

beforeAll(async () => {
  server = await startBucketServer([minio]);
});
afterAll(() => server.stop());
beforeEach(async () => {
  bucket = await server.createBucket();
  proxy = await startFaultProxy(server.address);
  onTestFinished(() => proxy.close());
});

/** A machine that has merged once and whose server is off now, while another machine has uploaded a newer memory. */
async function machineThatLacksOne(): Promise<SyncMachine> {
  const office = new SyncMachine({ ...bucket.environment(proxy.port), CLOUD_SYNC_MODE: 'merge' });
  const home = new SyncMachine(bucket.environment());
  await home.json(['add', 'The old heron']);
  await home.json(['sync', 'push']);
  await office.json(['sync', 'pull']);
  await home.json(['add', 'The new heron']);
  await home.json(['sync', 'push']);
  return office;
}

async function herons({ call }: ConnectedClient): Promise<{ texts: string[]; milliseconds: number }> {
  const start = performance.now();
  const { data } = await call('memory_search', { query: 'heron' });
  const milliseconds = performance.now() - start;
  const hits = data['hits'] as { text: string }[];
  return { texts: hits.map(({ text }) => text).toSorted(), milliseconds };
}

/** Milliseconds of the first search of a session that has no remote. */
async function usualTime(): Promise<number> {
  const alone = new SyncMachine({});
  await alone.json(['add', 'The old heron']);
  return (await herons(await alone.connect())).milliseconds;
}

test('the first search of a session waits a moment for the changes of other machines', async () => {
  const office = await machineThatLacksOne();
  const usual = await usualTime();
  const client = await office.connect();
  const first = await herons(client);
  expect(first.texts).toContain('The old heron');
  expect(first.milliseconds - usual).toBeLessThan(LONGEST_MS);
  // On a slow line they come in the background.
  await expect.poll(async () => (await herons(client)).texts).toEqual(['The new heron', 'The old heron']);
  const times = `${first.milliseconds.toFixed(0)} ms, without a remote ${usual.toFixed(0)} ms`;
  console.info(`The first search took ${times}, and found ${first.texts.length} of 2 memories`);
});

test('the first search of a session does not wait for a remote that does not answer', async () => {
  const office = await machineThatLacksOne();
  const usual = await usualTime();
  let answer = (): void => undefined;
  const until = new Promise<void>((resolve) => {
    answer = resolve;
  });
  proxy.plan(() => ({ kind: 'hold', until }));
  const client = await office.connect();
  const before = proxy.seen.length;
  const first = await herons(client);
  expect(first.texts).toEqual(['The old heron']);
  expect(first.milliseconds - usual).toBeLessThan(LONGEST_MS);
  await expect.poll(() => proxy.seen.length).toBeGreaterThan(before);
  const second = await herons(client);
  expect(second.texts).toEqual(['The old heron']);
  expect(second.milliseconds).toBeLessThan(LONGEST_MS);
  const times = `${first.milliseconds.toFixed(0)} ms, then ${second.milliseconds.toFixed(0)} ms, without a remote ${usual.toFixed(0)} ms`;
  console.info(`A silent remote: the first search took ${times}`);
  answer();
  proxy.plan(() => undefined);
  await expect.poll(async () => (await herons(client)).texts).toEqual(['The new heron', 'The old heron']);
});
