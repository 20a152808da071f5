import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BlobStoreError } from '../../src/errors/remote-errors.ts';
import { startFaultProxy, type Fault, type FaultProxy } from '../helpers/fault-proxy.ts';
import { versitygw } from '../helpers/servers/versitygw.ts';
import { startBucketServer, type BucketServer } from '../helpers/sync/bucket-server.ts';
import { readAsStranger } from '../helpers/sync/complete-snapshots.ts';
import { ComposedMachine } from '../helpers/sync/composed-machine.ts';

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

const faults: readonly Fault[] = [
  { kind: 'reset' },
  { kind: 'lost-answer' },
  { kind: 'stall' },
  { kind: 'short-body' },
  { kind: 'wrong-bytes' },
  { kind: 'status', status: 403 },
  { kind: 'status', status: 404 },
  { kind: 'status', status: 503 },
];

/** They look like those above to everything but the adapters, which have tests of their own. */
const alike: readonly Fault[] = [
  { kind: 'stall-body' },
  { kind: 'extra-bytes' },
  { kind: 'sign-in-page' },
  { kind: 'not-http' },
  ...[409, 412, 429, 500].map((status): Fault => ({ kind: 'status', status })),
];

/** Long enough that a busy machine does not look like a fault, except where silence is the fault. */
function patience({ kind }: Fault): number {
  return kind === 'stall' || kind === 'stall-body' ? 300 : 20_000;
}

/** How many requests the work makes when all goes well. */
async function countRequests(work: () => Promise<unknown>): Promise<number> {
  proxy.plan(() => undefined);
  const before = proxy.seen.length;
  await work();
  return proxy.seen.length - before;
}

/** True when it worked, false when it failed cleanly; anything else fails the test. */
async function worksOrFailsCleanly(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(BlobStoreError);
    return false;
  }
}

describe.each([...faults, ...alike])(
  'a line on which any one request meets $kind $status',
  { timeout: 120_000 },
  (fault) => {
    test('leaves a push complete or failed cleanly, never half listed, and the next one works', async () => {
      const bucket = await server.createBucket();
      const machine = new ComposedMachine(bucket);
      const harmed = machine.syncBy({ port: proxy.port, timeoutMs: patience(fault) });
      await machine.add('fact 0');
      await harmed.push();
      await machine.add('fact 1');
      const requests = await countRequests(() => harmed.push());
      expect(requests).toBeGreaterThan(4);
      for (let at = 0; at < requests; at += 1) {
        await machine.add(`fact of request ${at}`);
        proxy.plan((index) => (index === at ? fault : undefined));
        const worked = await worksOrFailsCleanly(harmed.push());
        if (!worked) await machine.sync.push();
      }
      expect((await readAsStranger(bucket.store)).damage).toEqual([]);
      const reader = new ComposedMachine(bucket);
      await reader.sync.pull();
      expect(await reader.texts()).toEqual(await machine.texts());
      expect(await machine.texts()).toHaveLength(requests + 2);
    });

    test('leaves a pull exact or without any effect, and the next one works', async () => {
      const bucket = await server.createBucket();
      const writer = new ComposedMachine(bucket);
      const reader = new ComposedMachine(bucket);
      const harmed = reader.syncBy({ port: proxy.port, timeoutMs: patience(fault) });
      await writer.add('fact 0');
      await writer.sync.push();
      await harmed.pull();
      await writer.add('fact 1');
      await writer.sync.push();
      const requests = await countRequests(() => harmed.pull());
      expect(requests).toBeGreaterThan(3);
      for (let at = 0; at < requests; at += 1) {
        await writer.add(`fact of request ${at}`);
        await writer.sync.push();
        const before = await reader.stateDigest();
        proxy.plan((index) => (index === at ? fault : undefined));
        const worked = await worksOrFailsCleanly(harmed.pull());
        if (!worked) {
          expect(await reader.stateDigest()).toBe(before);
          await reader.sync.pull();
        }
        expect(await reader.stateDigest()).toBe(await writer.stateDigest());
      }
    });
  },
);
