import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { S3BlobSettings } from '../../src/blob/blob-settings.ts';
import type { BlobStore, CreatableBlobStore } from '../../src/blob/blob-store.ts';
import { createBlobStore } from '../../src/blob/create-blob-store.ts';
import { retryingBlobStore } from '../../src/blob/decorators.ts';
import { errorOf } from '../helpers/blob-values.ts';
import { fauxqs } from '../helpers/servers/fauxqs.ts';
import type { RunningServer } from '../helpers/servers/test-server.ts';
import { findToxiproxy, startToxiproxy, type Toxic, type ToxicProxy } from '../helpers/servers/toxiproxy.ts';

const program = await findToxiproxy();
const required = /\b(?:all|toxiproxy)\b/.test(process.env['REQUIRE_SERVERS'] ?? '');

test(`toxiproxy is ${program === null ? 'left out, and not required' : 'there'}`, () => {
  expect(program !== null || !required).toBe(true);
});

/** Bad lines that work in the end. */
const slow: readonly Toxic[] = [
  { type: 'latency', stream: 'downstream', attributes: { latency: 120, jitter: 40 } },
  { type: 'bandwidth', stream: 'upstream', attributes: { rate: 400 } },
  { type: 'bandwidth', stream: 'downstream', attributes: { rate: 400 } },
  { type: 'slicer', stream: 'downstream', attributes: { average_size: 500, size_variation: 400, delay: 10 } },
  { type: 'slow_close', stream: 'downstream', attributes: { delay: 100 } },
];

/** Lines on which nothing gets through. */
const dead: readonly Toxic[] = [
  { type: 'timeout', stream: 'upstream', attributes: { timeout: 0 } },
  { type: 'timeout', stream: 'downstream', attributes: { timeout: 0 } },
  { type: 'timeout', stream: 'downstream', attributes: { timeout: 50 } },
  { type: 'reset_peer', stream: 'downstream', attributes: { timeout: 0 } },
  { type: 'limit_data', stream: 'upstream', attributes: { bytes: 30_000 } },
  { type: 'limit_data', stream: 'downstream', attributes: { bytes: 30_000 } },
];

if (program !== null) describeBadLines(program);

function describeBadLines(toxiproxy: string): void {
  describe('a bad line to the store', () => {
    const bytes = randomBytes(100_000);
    let running: RunningServer;
    let proxy: ToxicProxy;
    let direct: CreatableBlobStore;

    beforeAll(async () => {
      running = await fauxqs.start('');
      proxy = await startToxiproxy(toxiproxy, running.address);
      direct = await createBlobStore(running.settings('toxics'));
      await direct.createBucket();
    });
    afterAll(async () => {
      await direct.close();
      await proxy.stop();
      await running.stop();
    });

    async function through(timeoutMs: number): Promise<BlobStore> {
      const settings = running.settings('toxics') as S3BlobSettings;
      const endpoint = `http://127.0.0.1:${proxy.port}`;
      return createBlobStore({ ...settings, endpoint, timeoutMs });
    }

    test.each(slow)('is no reason to fail: $type $stream', async (toxic) => {
      const store = await through(20_000);
      await proxy.poison([toxic]);
      await store.put('slow/object', bytes);
      expect(Buffer.from((await store.get('slow/object'))?.bytes ?? []).equals(bytes)).toBe(true);
      expect(await store.list('slow/')).toHaveLength(1);
      await store.delete('slow/object');
      await proxy.poison([]);
      await store.close();
    });

    test.each(dead)(
      'is a typed error when nothing gets through, and passes: $type $stream $attributes',
      async (toxic) => {
        await direct.put('dead/object', bytes);
        const store = await through(300);
        await proxy.poison([toxic]);
        const upstream = toxic.stream === 'upstream';
        const error = await errorOf(upstream ? store.put('dead/object', bytes) : store.get('dead/object'));
        expect(error.retryable).toBe(true);
        expect(['timeout', 'interrupted', 'unreachable', 'protocol']).toContain(error.reason);
        await store.close();
        const patient = await through(20_000);
        const healing = retryingBlobStore(patient, { wait: () => proxy.poison([]) });
        await proxy.poison([{ type: 'reset_peer', stream: 'downstream', attributes: { timeout: 0 } }]);
        expect(Buffer.from((await healing.get('dead/object'))?.bytes ?? []).equals(bytes)).toBe(true);
        await healing.close();
      },
    );
  });
}
