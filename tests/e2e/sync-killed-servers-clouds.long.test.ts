import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createBlobStore } from '../../src/blob/create-blob-store.ts';
import { type Fault, type SeenRequest, startFaultProxy } from '../helpers/fault-proxy.ts';
import { azurite } from '../helpers/servers/azurite.ts';
import { fakeGcs } from '../helpers/servers/fake-gcs.ts';
import { minio } from '../helpers/servers/minio.ts';
import { findIfWanted, isRequired, type TestServer } from '../helpers/servers/test-server.ts';
import { environmentOf } from '../helpers/sync/bucket-server.ts';
import { runKilledServers, runSeconds, runSeed } from '../helpers/sync/killed-servers.ts';
import { SeededRandom } from '../simulation/seeded-random.ts';

const LONGEST_DELAY_MS = 1_500;

/** Harms one request of six. */
function badLine(seed: number): (index: number, request: SeenRequest) => Fault | undefined {
  const random = new SeededRandom(seed);
  const faults: readonly (() => Fault)[] = [
    () => ({ kind: 'reset' }),
    () => ({ kind: 'lost-answer' }),
    () => ({ kind: 'status', status: 503 }),
    () => ({ kind: 'short-body' }),
    () => ({ kind: 'hold', until: pause(random.below(LONGEST_DELAY_MS)) }),
    () => ({ kind: 'hold', until: pause(random.below(LONGEST_DELAY_MS)) }),
  ];
  return () => (random.chance(1 / 6) ? random.pick(faults)() : undefined);
}

const servers: readonly TestServer[] = [fakeGcs, azurite, minio];
const found = await Promise.all(
  servers.map(async (server) => ({ name: server.name, server, program: await findIfWanted(server) })),
);

test('the emulators that are required are there', () => {
  const missing = found.filter(({ server, program }) => program === null && isRequired(server));
  expect(missing).toEqual([]);
});

describe.each(found.filter(({ program }) => program !== null))(
  'over a bad line to $name',
  { timeout: 1_200_000 },
  ({ name, server, program }) => {
    test('servers that are killed again and again lose no write and are equal within a minute', async () => {
      const running = await server.start(program ?? '');
      onTestFinished(() => running.stop());
      const settings = { ...running.settings('killed-servers'), prefix: 'faiss-memory/' };
      const store = await createBlobStore(settings);
      await store.createBucket();
      await store.close();
      const proxy = await startFaultProxy(running.address);
      onTestFinished(() => proxy.close());
      const seed = runSeed();
      proxy.plan(badLine(seed));
      const environment = environmentOf(settings, proxy.port);
      const report = await runKilledServers({ environment, machines: 2, seconds: runSeconds(40), seed });
      console.info(`${name}, ${report.summary}, ${proxy.seen.length} requests`);
      expect(report.faults, report.summary).toEqual([]);
      expect(report.kills, report.summary).toBeGreaterThan(0);
      expect(report.untilEqual, report.summary).toBeLessThanOrEqual(60);
    });
  },
);
