import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { readEvents, type StreamedEvent } from '../helpers/event-stream.ts';
import { type FaultProxy, startFaultProxy } from '../helpers/fault-proxy.ts';
import { httpClient } from '../helpers/http-client.ts';
import { startServer } from '../helpers/http-server.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { minio } from '../helpers/servers/minio.ts';
import { type BucketServer, startBucketServer } from '../helpers/sync/bucket-server.ts';

const STREAM = { Accept: 'text/event-stream', 'Content-Type': 'application/json' };

async function eventsOf(response: Response): Promise<StreamedEvent[]> {
  const events: StreamedEvent[] = [];
  for await (const event of readEvents(response)) events.push(event);
  return events;
}

describe('an event stream', () => {
  test('tells the progress of long work, then its result', async () => {
    const folder = join(temporaryFolder(), 'nas');
    mkdirSync(folder);
    const { address } = await startServer({
      env: { CLOUD_SYNC_ENABLED: 'on', CLOUD_SYNC_PROVIDER: 'folder', CLOUD_SYNC_BUCKET: folder },
    });
    const api = httpClient(address);
    await api.post('/memory/add', { text: 'Ada likes tea' });
    const response = await fetch(`${address}/sync/upload`, { method: 'POST', headers: STREAM });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(response.headers.get('x-request-id')).toMatch(/^[\w-]{36}$/);
    const events = await eventsOf(response);
    expect(new Set(events.slice(0, -1).map(({ event }) => event))).toEqual(new Set(['progress']));
    expect(events.map(({ data }) => data['step'])).toContain('uploading');
    expect(events.at(-1)).toMatchObject({ event: 'result', data: { uploaded: true, memories: 1 } });
    for (const { data } of events.slice(0, -1)) expect(data['done']).toBeGreaterThanOrEqual(0);
    const whole = await api.post('/sync/upload');
    expect(Object.keys(events.at(-1)?.data ?? {}).sort()).toEqual(Object.keys(whole.data).sort());
  });

  test('ends with the problem when the work fails', async () => {
    const { address } = await startServer();
    const options = { method: 'POST', headers: STREAM, body: '{"snapshot":"manual_20200101_000000"}' };
    const response = await fetch(`${address}/restore`, options);
    expect(response.status).toBe(200);
    const events = await eventsOf(response);
    const last = events.at(-1);
    expect(last).toMatchObject({ event: 'problem', data: { code: 'SNAPSHOT_NOT_FOUND', status: 404 } });
    expect(events.filter(({ event }) => event !== 'progress')).toHaveLength(1);
    expect(last?.data['request_id']).toBe(response.headers.get('x-request-id'));
  });

  test('is not begun for a request that is refused', async () => {
    const { address } = await startServer();
    const answer = await fetch(`${address}/restore`, {
      method: 'POST',
      headers: STREAM,
      body: '{"snapshot":5}',
    });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([400, 'application/problem+json']);
    await answer.body?.cancel();
  });

  test('asks for the confirmation of a restore, with what would change', async () => {
    const { address } = await startServer();
    const made = await httpClient(address).post('/backup');
    const { name } = made.data['snapshot'] as { name: string };
    const body = JSON.stringify({ snapshot: name });
    const events = await eventsOf(
      await fetch(`${address}/restore`, { method: 'POST', headers: STREAM, body }),
    );
    expect(events.at(-1)).toMatchObject({
      event: 'problem',
      data: { code: 'CONFIRMATION_NEEDED', dry_run: { applied: false } },
    });
  });
});

describe('an upload whose caller goes away', () => {
  let bucketServer: BucketServer;
  beforeAll(async () => {
    bucketServer = await startBucketServer([minio]);
  });
  afterAll(async () => {
    await bucketServer.stop();
  });

  async function startBehindProxy(): Promise<{ address: string; proxy: FaultProxy }> {
    const proxy = await startFaultProxy(bucketServer.address);
    onTestFinished(() => proxy.close());
    const bucket = await bucketServer.createBucket();
    const { address } = await startServer({ env: bucket.environment(proxy.port) });
    await httpClient(address).post('/memory/add', { text: 'Ada likes tea' });
    return { address, proxy };
  }

  test.each([
    ['with a stream', STREAM],
    ['with a plain request', { 'Content-Type': 'application/json' }],
  ])('is ended before its next object (%s), and the next one succeeds', async (_, headers) => {
    const { address, proxy } = await startBehindProxy();
    const puts = (): string[] => proxy.seen.filter(({ method }) => method === 'PUT').map(({ path }) => path);
    let release = (): void => undefined;
    const until = new Promise<void>((resolve) => (release = resolve));
    proxy.plan((__, { method }) => (method === 'PUT' ? { kind: 'hold', until } : undefined));
    const caller = new AbortController();
    const upload = fetch(`${address}/sync/upload`, { method: 'POST', headers, signal: caller.signal });
    const body = upload.then((response) => response.text());
    await expect.poll(puts).not.toEqual([]);
    caller.abort();
    await expect(body).rejects.toThrow('aborted');
    const api = httpClient(address);
    // A later request: when it is answered, the server knows that the earlier caller is gone.
    await api.get('/health');
    release();
    expect(await api.post('/sync/upload')).toMatchObject({ status: 200, data: { uploaded: true } });
    // The newest snapshot goes first, so the one of the first upload was still to be sent.
    const manifests = puts().filter((path) => path.includes('/snapshots/'));
    expect(manifests).toHaveLength(2);
    expect(manifests).toEqual(manifests.toSorted().toReversed());
  });
});
