import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { minio } from '../helpers/servers/minio.ts';
import { startBucketServer, type BucketServer } from '../helpers/sync/bucket-server.ts';
import { readAsStranger } from '../helpers/sync/complete-snapshots.ts';
import { type Run, runKilledServers, runSeed, runSeconds } from '../helpers/sync/killed-servers.ts';

let server: BucketServer;

beforeAll(async () => {
  server = await startBucketServer([minio]);
});
afterAll(() => server.stop());

const runs: readonly (readonly [
  name: string,
  Pick<Run, 'machines' | 'serversPerMachine'>,
  seconds: number,
])[] = [
  ['two machines', { machines: 2 }, 60],
  ['three machines', { machines: 3 }, 90],
  ['two machines with three servers each', { machines: 2, serversPerMachine: 3 }, 45],
];

describe('servers that are killed again and again while their clients write', { timeout: 1_200_000 }, () => {
  test.each(runs)('lose no write and are equal within a minute: %s', async (_, size, seconds) => {
    const bucket = await server.createBucket();
    const environment = bucket.environment();
    const report = await runKilledServers({
      ...size,
      environment,
      seconds: runSeconds(seconds),
      seed: runSeed(),
    });
    console.info(`${server.name}, ${report.summary}`);
    expect(report.faults, report.summary).toEqual([]);
    expect(report.kills, report.summary).toBeGreaterThan(0);
    expect(report.untilEqual, report.summary).toBeLessThanOrEqual(60);
    expect((await readAsStranger(bucket.store)).damage).toEqual([]);
  });
});
