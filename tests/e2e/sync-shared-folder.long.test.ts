import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startFaultProxy } from '../helpers/fault-proxy.ts';
import type { ConnectedClient } from '../helpers/mcp/clients.ts';
import { minio } from '../helpers/servers/minio.ts';
import { startBucketServer, type BucketServer } from '../helpers/sync/bucket-server.ts';
import { SyncMachine } from '../helpers/sync/sync-machine.ts';

const ROUNDS = 8;
const SERVERS = 3;
const SECOND = 1_000;

let server: BucketServer;

beforeAll(async () => {
  server = await startBucketServer([minio]);
});
afterAll(() => server.stop());

async function textsFor({ call }: ConnectedClient, query: string): Promise<string[]> {
  const { data, isError, text } = await call('memory_search', { query, limit: 50 });
  expect(isError, text).toBe(false);
  return (data['hits'] as { text: string }[]).map((hit) => hit.text);
}

/** Adds on both machines, on each by another server every time, and searches until every server finds everything. */
async function meet(machines: readonly (readonly ConnectedClient[])[], word: string): Promise<void> {
  const added = machines.map((_, machine) => `The ${word} of room ${machine} is green`);
  for (const [index, servers] of machines.entries()) {
    const writer = servers[Number(word.slice('lamp'.length)) % servers.length];
    const { isError } = (await writer?.call('memory_add', { text: added[index] })) ?? { isError: true };
    expect(isError).toBe(false);
  }
  await Promise.all(
    machines.flat().map((client) =>
      expect
        .poll(async () => (await textsFor(client, word)).filter((text) => added.includes(text)).toSorted(), {
          timeout: 120 * SECOND,
          interval: SECOND,
        })
        .toEqual(added),
    ),
  );
}

/** Two machines that share a bucket of their own. @returns requests a minute of both together */
async function requestsPerMinute(serversPerMachine: number): Promise<number> {
  const bucket = await server.createBucket();
  const proxy = await startFaultProxy(server.address);
  onTestFinished(() => proxy.close());
  const settings = { ...bucket.environment(proxy.port), CLOUD_SYNC_MODE: 'merge' };
  const machines = [new SyncMachine(settings), new SyncMachine(settings)];
  const clients = await Promise.all(
    machines.map((machine) =>
      Promise.all(Array.from({ length: serversPerMachine }, () => machine.connect())),
    ),
  );
  // Each server compares the remote once when it starts.
  await meet(clients, 'lamp0');
  const [before, start] = [proxy.seen.length, performance.now()];
  for (let round = 1; round <= ROUNDS; round += 1) await meet(clients, `lamp${round}`);
  const minutes = (performance.now() - start) / SECOND / 60;
  for (const machine of machines) expect(await machine.texts()).toHaveLength(2 * (ROUNDS + 1));
  return (proxy.seen.length - before) / minutes;
}

test(
  'servers that share a data folder share their requests, and every one finds what the others write',
  { timeout: 1_200_000 },
  async () => {
    // At the same time, so that both meet the same load.
    const [one, several] = await Promise.all([requestsPerMinute(1), requestsPerMinute(SERVERS)]);
    const told = `Requests a minute of two machines: ${one.toFixed(0)} with a server each, ${several.toFixed(0)} with ${SERVERS}`;
    console.info(told);
    expect(several, told).toBeLessThan(1.6 * one);
  },
);
