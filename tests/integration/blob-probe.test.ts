import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { S3BlobSettings } from '../../src/blob/blob-settings.ts';
import { createBlobStore } from '../../src/blob/create-blob-store.ts';
import type { ProbeFinding, ProbeReport } from '../../src/blob/probe/probe-finding.ts';
import { probeBlobStore } from '../../src/blob/probe/probe.ts';
import { retryingBlobStore } from '../../src/blob/decorators.ts';
import { bytesOf, errorOf, keysOf } from '../helpers/blob-values.ts';
import { startFaultProxy, type FaultProxy } from '../helpers/fault-proxy.ts';
import { azurite } from '../helpers/servers/azurite.ts';
import { ceph } from '../helpers/servers/ceph.ts';
import { fakeGcs } from '../helpers/servers/fake-gcs.ts';
import { fauxqs } from '../helpers/servers/fauxqs.ts';
import { freePort } from '../helpers/servers/free-port.ts';
import { minio } from '../helpers/servers/minio.ts';
import { rclone } from '../helpers/servers/rclone.ts';
import { seaweedfs } from '../helpers/servers/seaweedfs.ts';
import { dataFolder } from '../helpers/servers/server-process.ts';
import { swift } from '../helpers/servers/swift.ts';
import { findIfWanted, type RunningServer } from '../helpers/servers/test-server.ts';
import { versitygw } from '../helpers/servers/versitygw.ts';

function findingsOf(report: ProbeReport, level: ProbeFinding['level']): string[] {
  return report.findings.filter((finding) => finding.level === level).map(({ check }) => check);
}

function onlyProblem(report: ProbeReport): ProbeFinding {
  expect(report.usable).toBe(false);
  const [problem, ...more] = report.findings.filter(({ level }) => level === 'problem');
  expect(more).toEqual([]);
  expect(problem?.fix).toBeTruthy();
  return problem as ProbeFinding;
}

const servers = [
  { server: versitygw, conditionalPut: 'honoured', checksum: 'ok' },
  { server: minio, conditionalPut: 'honoured', checksum: 'ok' },
  { server: fauxqs, conditionalPut: 'ignored', checksum: 'note' },
  { server: rclone, conditionalPut: 'ignored', checksum: 'any' },
  { server: seaweedfs, conditionalPut: 'honoured', checksum: 'any' },
  { server: ceph, conditionalPut: 'absent-only', checksum: 'ok' },
  { server: swift, conditionalPut: 'refused', checksum: 'ok' },
  { server: azurite, conditionalPut: 'honoured', checksum: undefined },
  { server: fakeGcs, conditionalPut: 'honoured', checksum: undefined },
] as const;

for (const { server, conditionalPut, checksum } of servers) {
  const program = await findIfWanted(server);
  if (program === null) continue;
  test(`finds ${server.name} usable, and says how it treats conditions and checksums`, async () => {
    const running = await server.start(program);
    const settings = running.settings('probed');
    const store = await createBlobStore(settings);
    await store.createBucket();
    const report = await probeBlobStore(settings);
    expect(report.findings.filter(({ level }) => level === 'problem' || level === 'warning')).toEqual([]);
    expect(report).toMatchObject({ usable: true, conditionalPut });
    const level = report.findings.find(({ check }) => check === 'checksum')?.level;
    expect(checksum === 'any' ? ['ok', 'note'] : [checksum]).toContain(level);
    expect(Math.abs(report.clockOffsetMs ?? NaN)).toBeLessThan(60_000);
    expect(keysOf(await store.list(''))).toEqual([]);
    await store.close();
    await running.stop();
  }, 180_000);
}

test('probes a folder', async () => {
  const folder = await dataFolder('probed');
  const report = await probeBlobStore({ provider: 'folder', path: folder.path });
  expect(report).toMatchObject({ usable: true, conditionalPut: 'absent-only' });
  const missing = await probeBlobStore({ provider: 'folder', path: `${folder.path}/missing` });
  expect(onlyProblem(missing).check).toBe('bucket');
  await folder.remove();
});

const gateway = await findIfWanted(versitygw);
if (gateway !== null) describeMistakes(gateway);

function describeMistakes(program: string): void {
  describe('the probe and the usual mistakes', () => {
    let running: RunningServer;
    let proxy: FaultProxy;
    let right: S3BlobSettings;
    let proxied: S3BlobSettings;

    beforeAll(async () => {
      running = await versitygw.start(program);
      proxy = await startFaultProxy(running.address);
      right = { ...running.settings('mistakes'), timeoutMs: 10_000 } as S3BlobSettings;
      proxied = { ...right, endpoint: `http://127.0.0.1:${proxy.port}` };
      const store = await createBlobStore(right);
      await store.createBucket();
      await store.close();
    });
    beforeEach(() => {
      proxy.plan(() => undefined);
    });
    afterEach(() => {
      vi.useRealTimers();
    });
    afterAll(async () => {
      await proxy.close();
      await running.stop();
    });

    test('names a missing bucket, which can then be created', async () => {
      const settings = { ...right, bucket: 'not-there-yet' };
      const problem = onlyProblem(await probeBlobStore(settings));
      expect(problem).toMatchObject({ check: 'bucket' });
      expect(problem.fix).toMatch(/create the bucket/i);
      const store = await createBlobStore(settings);
      expect(await store.createBucket()).toBe('created');
      await store.close();
      expect((await probeBlobStore(settings)).usable).toBe(true);
    });

    test.each([
      ['a wrong secret key', { secretKey: 'wrong-secret' }, 'credentials', /access key and the secret key/],
      ['an unknown access key', { accessKey: 'nobody' }, 'credentials', /access key and the secret key/],
      ['half a key pair', { secretKey: ' ' }, 'settings', /secret key too/],
      ['keys in quotation marks', { secretKey: '"test"' }, 'credentials', /quotation marks/],
      [
        'swapped keys',
        { accessKey: 'x'.repeat(40), secretKey: `AKIA${'A'.repeat(16)}` },
        'credentials',
        /Swap the two keys/,
      ],
      [
        'a temporary key without its token',
        { accessKey: `ASIA${'A'.repeat(16)}` },
        'credentials',
        /permanent key/,
      ],
      ['the wrong region', { region: 'eu-central-1' }, 'region', /region to us-east-1/],
      ['a bucket with a path', { bucket: 'mistakes/backup' }, 'bucket', /as the prefix/],
      ['a bucket as an address', { bucket: 's3://mistakes' }, 'bucket', /without s3/],
      ['an endpoint that is not one', { endpoint: 'http://' }, 'settings', /https:\/\/host/],
      ['a prefix that no store would keep', { prefix: 'a/../b' }, 'settings', /prefix/],
    ] as const)('names %s', async (_, change, check, fix) => {
      const problem = onlyProblem(await probeBlobStore({ ...right, ...change }));
      expect(problem.check).toBe(check);
      expect(problem.fix).toMatch(fix);
      expect(JSON.stringify(problem)).not.toContain('wrong-secret');
    });

    test('names an endpoint that contains the bucket, and says what it should be', async () => {
      const { host, port } = running.address;
      const inPath = await probeBlobStore({ ...right, endpoint: `http://${host}:${port}/mistakes/` });
      expect(onlyProblem(inPath)).toMatchObject({
        check: 'endpoint',
        fix: `Set the endpoint to http://${host}:${port}.`,
      });
      const inHost = await probeBlobStore({ ...right, endpoint: 'https://mistakes.s3.example.org' });
      expect(onlyProblem(inHost).fix).toBe('Set the endpoint to https://s3.example.org.');
    });

    test('does not mind a slash at the end of the endpoint', async () => {
      const report = await probeBlobStore({ ...right, endpoint: `${right.endpoint ?? ''}/` });
      expect(report.usable).toBe(true);
    });

    test('names an address where nobody listens', async () => {
      const report = await probeBlobStore({ ...right, endpoint: `http://127.0.0.1:${await freePort()}` });
      expect(onlyProblem(report)).toMatchObject({ check: 'endpoint' });
    });

    test('finds out that the server speaks http', async () => {
      const { host, port } = running.address;
      const problem = onlyProblem(await probeBlobStore({ ...right, endpoint: `https://${host}:${port}` }));
      expect(problem).toMatchObject({
        check: 'endpoint',
        fix: `Set the endpoint to http://${host}:${port}.`,
      });
    });

    test('names the permission that is missing', async () => {
      for (const [method, isMeant, check, fix] of [
        ['GET', /list-type/, 'list', /list/],
        ['PUT', /./, 'put', /s3:PutObject/],
        ['GET', /^[^?]*(?:\?x-id=GetObject)?$/, 'get', /s3:GetObject/],
      ] as const) {
        proxy.plan((_, request) => {
          const denied = request.method === method && isMeant.test(request.path);
          return denied ? { kind: 'status', status: 403 } : undefined;
        });
        const problem = onlyProblem(await probeBlobStore(proxied));
        expect(problem.check).toBe(check);
        expect(problem.fix).toMatch(fix);
      }
    });

    test('accepts a store that forbids deleting, and says so', async () => {
      proxy.plan((_, { method }) => (method === 'DELETE' ? { kind: 'status', status: 403 } : undefined));
      const report = await probeBlobStore(proxied);
      expect(report.usable).toBe(true);
      expect(findingsOf(report, 'warning')).toEqual(['delete']);
    });

    test('notices a store that refuses conditions, as B2 and Swift do', async () => {
      proxy.plan((_, { headers }) => {
        const conditional = headers['if-none-match'] !== undefined || headers['if-match'] !== undefined;
        return conditional ? { kind: 'status', status: 501 } : undefined;
      });
      expect(await probeBlobStore(proxied)).toMatchObject({ usable: true, conditionalPut: 'refused' });
    });

    test('notices a store that answers the same page of a list again and again', async () => {
      proxy.plan((_, { path }) => {
        if (!path.includes('max-keys=2')) return undefined;
        const body =
          '<?xml version="1.0"?><ListBucketResult><Name>mistakes</Name><IsTruncated>true</IsTruncated>' +
          '<NextContinuationToken>again</NextContinuationToken></ListBucketResult>';
        return { kind: 'status', status: 200, body };
      });
      const report = await probeBlobStore(proxied);
      expect(findingsOf(report, 'warning')).toEqual(['paging']);
    });

    test('notices bytes that come back changed', async () => {
      proxy.plan((_, { method, path }) =>
        method === 'GET' && !path.includes('list-type') ? { kind: 'wrong-bytes' } : undefined,
      );
      expect(onlyProblem(await probeBlobStore(proxied)).check).toBe('get');
    });

    test.each([-370, -1, 1, 370])('works with a clock that is %i days off, and says so', async (days) => {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + days * 86_400_000 });
      const report = await probeBlobStore(right);
      expect(report.usable).toBe(true);
      expect(findingsOf(report, 'warning')).toEqual(['clock']);
      expect(Math.round((report.clockOffsetMs ?? 0) / 86_400_000)).toBe(-days);
    });

    test('repeats a request with a skewed clock once, since the answer told the time', async () => {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 86_400_000 });
      const store = await createBlobStore(right);
      expect(await errorOf(store.head('any'))).toMatchObject({ reason: 'clock-skew', retryable: true });
      expect(await store.head('any')).toBeNull();
      const second = await createBlobStore(right);
      const waits: number[] = [];
      const retrying = retryingBlobStore(second, { wait: (ms) => Promise.resolve(waits.push(ms)) });
      await retrying.put('skewed', bytesOf('x'));
      expect(waits).toEqual([0]);
      await retrying.delete('skewed');
      await retrying.close();
      await store.close();
    });
  });
}
