import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { ConnectedClient } from '../helpers/mcp/clients.ts';
import { minio } from '../helpers/servers/minio.ts';
import { startBucketServer, type BucketServer } from '../helpers/sync/bucket-server.ts';
import { SyncMachine } from '../helpers/sync/sync-machine.ts';

const ADDS = 20;
const SECOND = 1_000;

let server: BucketServer;

beforeAll(async () => {
  server = await startBucketServer([minio]);
});
afterAll(() => server.stop());

async function isFound({ call }: ConnectedClient, word: string): Promise<boolean> {
  const { data } = await call('memory_search', { query: word });
  const hits = data['hits'] as readonly { readonly text: string }[];
  return hits.some(({ text }) => text.includes(word));
}

/** Milliseconds from the answer to an add on one machine until a search on another one finds the memory. */
async function latency(from: ConnectedClient, to: ConnectedClient, word: string): Promise<number> {
  const { isError, text } = await from.call('memory_add', { text: `The parcel ${word} waits at the depot.` });
  expect(isError, text).toBe(false);
  const added = performance.now();
  await vi.waitFor(
    async () => {
      expect(await isFound(to, word)).toBe(true);
    },
    {
      timeout: 90 * SECOND,
      interval: 250,
    },
  );
  return performance.now() - added;
}

function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.ceil(part * sorted.length) - 1] ?? Infinity;
}

test(
  'a memory of one machine is found on another within seconds while both are used',
  async () => {
    const bucket = await server.createBucket();
    const settings = { ...bucket.environment(), CLOUD_SYNC_MODE: 'merge' };
    const home = await new SyncMachine(settings).connect();
    const office = await new SyncMachine(settings).connect();
    const times: number[] = [];
    for (let number = 0; number < ADDS; number += 1) {
      const [from, to] = number % 4 === 3 ? [office, home] : [home, office];
      times.push(await latency(from, to, `zephyr${number}quartz`));
    }
    const sorted = times.toSorted((a, b) => a - b);
    const seconds = (part: number): number => quantile(sorted, part) / SECOND;
    const summary = `median ${seconds(0.5).toFixed(1)} s, p90 ${seconds(0.9).toFixed(1)} s, longest ${seconds(1).toFixed(1)} s`;
    console.info(`Found on the other machine after: ${summary}`);
    expect(seconds(0.9), summary).toBeLessThanOrEqual(15);
    expect(seconds(1), summary).toBeLessThanOrEqual(60);
  },
  30 * 60 * SECOND,
);
