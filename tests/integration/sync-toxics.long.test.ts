import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BlobStoreError } from '../../src/errors/remote-errors.ts';
import { versitygw } from '../helpers/servers/versitygw.ts';
import { findToxiproxy, startToxiproxy, type Toxic, type ToxicProxy } from '../helpers/servers/toxiproxy.ts';
import { startBucketServer, type BucketServer } from '../helpers/sync/bucket-server.ts';
import { readAsStranger } from '../helpers/sync/complete-snapshots.ts';
import { quickKeyring } from '../helpers/test-repository.ts';
import { ComposedMachine } from '../helpers/sync/composed-machine.ts';

const program = await findToxiproxy();
const required = /\b(?:all|toxiproxy)\b/.test(process.env['REQUIRE_SERVERS'] ?? '');

test(`toxiproxy is ${program === null ? 'left out, and not required' : 'there'}`, () => {
  expect(program !== null || !required).toBe(true);
});

/** Bad lines that work in the end. */
const slow: readonly Toxic[] = [
  { type: 'latency', stream: 'downstream', attributes: { latency: 60, jitter: 30 } },
  {
    type: 'slicer',
    stream: 'upstream',
    attributes: { average_size: 2_000, size_variation: 1_900, delay: 5 },
  },
];

/** Lines that break in the middle of a transfer. */
const breaking: readonly Toxic[] = [
  { type: 'reset_peer', stream: 'downstream', attributes: { timeout: 20 } },
  { type: 'limit_data', stream: 'upstream', attributes: { bytes: 40_000 } },
  { type: 'limit_data', stream: 'downstream', attributes: { bytes: 40_000 } },
  { type: 'timeout', stream: 'downstream', attributes: { timeout: 50 } },
];

if (program !== null) describeLines(program);

function describeLines(toxiproxy: string): void {
  describe('a bad line to the bucket', () => {
    let server: BucketServer;
    let proxy: ToxicProxy;

    beforeAll(async () => {
      server = await startBucketServer([versitygw]);
      proxy = await startToxiproxy(toxiproxy, server.address);
    });
    afterAll(async () => {
      await proxy.stop();
      await server.stop();
    });

    /** Texts that stay large when they are compressed. */
    const texts = () => Array.from({ length: 4 }, () => randomBytes(30_000).toString('base64'));

    test.each(slow)('is no reason to fail: $type $stream', async (toxic) => {
      const bucket = await server.createBucket();
      const [writer, reader] = [new ComposedMachine(bucket, 'herons'), new ComposedMachine(bucket, 'herons')];
      await writer.add(...texts());
      await proxy.poison([toxic]);
      await writer.syncBy({ port: proxy.port }).push();
      await reader.syncBy({ port: proxy.port }).pull();
      await proxy.poison([]);
      expect(await reader.stateDigest()).toBe(await writer.stateDigest());
    });

    test.each(breaking)('that breaks loses nothing, and work goes on later: $type $stream', async (toxic) => {
      const bucket = await server.createBucket();
      const [writer, reader] = [new ComposedMachine(bucket, 'herons'), new ComposedMachine(bucket, 'herons')];
      const line = { port: proxy.port, attempts: 2 };
      await writer.add(...texts());
      await proxy.poison([toxic]);
      await expect(writer.syncBy(line).push()).rejects.toBeInstanceOf(BlobStoreError);
      expect((await readAsStranger(bucket.store, quickKeyring('herons'))).damage).toEqual([]);
      await proxy.poison([]);
      await writer.syncBy(line).push();
      await proxy.poison([toxic]);
      const before = await reader.stateDigest();
      const merged = await reader
        .syncBy(line)
        .pull()
        .catch((error: unknown) => error);
      if (merged instanceof BlobStoreError) expect(await reader.stateDigest()).toBe(before);
      await proxy.poison([]);
      await reader.syncBy(line).pull();
      expect(await reader.stateDigest()).toBe(await writer.stateDigest());
    });
  });
}
