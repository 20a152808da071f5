import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { json } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { httpClient } from '../helpers/http-client.ts';
import { launchServer, startServer } from '../helpers/http-server.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { databasePath } from '../helpers/sqlite-store.ts';

/** Also on a busy machine. */
const PATIENTLY = { timeout: 60_000 };

/** An import whose lines the test sends one by one. */
function slowImport(address: string) {
  const headers = { 'Content-Type': 'application/x-ndjson' };
  const upload = request(`${address}/import`, { method: 'POST', headers });
  const answered = once(upload, 'response') as Promise<[IncomingMessage]>;
  const add = (text: string): Promise<void> =>
    new Promise((resolve) => {
      upload.write(`${JSON.stringify({ text })}\n`, () => {
        resolve();
      });
    });
  const finish = async (): Promise<{ status: number | undefined; data: unknown }> => {
    upload.end();
    const [response] = await answered;
    return { status: response.statusCode, data: await json(response) };
  };
  return { upload, answered, add, finish };
}

describe('a server that is asked to stop', () => {
  test('takes no new requests, and finishes those under way', async () => {
    const dataDir = temporaryFolder();
    const server = await startServer({ dataDir });
    const { add, finish } = slowImport(server.address);
    await add('before the signal');
    await httpClient(server.address).get('/stats');
    const ended = server.stop();
    await expect.poll(() => server.stderr(), PATIENTLY).toContain('Stopping');
    await expect.poll(() => fetch(server.address).catch(() => 'refused'), PATIENTLY).toBe('refused');
    await add('after the signal');
    expect(await finish()).toMatchObject({ status: 200, data: { added: 2, completed: true } });
    expect(await ended).toBe(0);
    const again = httpClient((await startServer({ dataDir })).address);
    expect((await again.get('/stats')).data['live']).toBe(2);
  });

  test('finishes the backup that is being made', async () => {
    const dataDir = temporaryFolder();
    const server = await startServer({ dataDir });
    const lines = Array.from({ length: 5_000 }, (_, index) => JSON.stringify({ text: `memory ${index}` }));
    const headers = { 'Content-Type': 'application/x-ndjson' };
    const api = httpClient(server.address);
    const body = lines.join('\n');
    expect(await api.send('/import', { method: 'POST', headers, body })).toMatchObject({ status: 200 });
    const events = await fetch(`${server.address}/backup`, {
      method: 'POST',
      headers: { Accept: 'text/event-stream' },
    });
    const ended = server.stop();
    expect(await events.text()).toMatch(/event: result\ndata: {"outcome":"written"/);
    expect(await ended).toBe(0);
    const again = httpClient((await startServer({ dataDir })).address);
    const { data } = await again.get('/backups');
    expect(data['backups']).toContainEqual(expect.objectContaining({ kind: 'manual', memories: 5_000 }));
  });

  test('loses nothing that it has acknowledged, and cuts no answer', async () => {
    const dataDir = temporaryFolder();
    const server = await startServer({ dataDir });
    const acknowledged: string[] = [];
    const cut: string[] = [];
    const client = async (name: number): Promise<void> => {
      for (let turn = 0; ; turn += 1) {
        const body = JSON.stringify({ text: `client ${name} turn ${turn}` });
        const headers = { 'Content-Type': 'application/json' };
        const response = await fetch(`${server.address}/memory/add`, { method: 'POST', headers, body }).catch(
          () => undefined,
        );
        if (response === undefined) return;
        const answer = await response.text().catch(() => '');
        const { id } = answer.endsWith('}') ? (JSON.parse(answer) as { id: string }) : {};
        if (id === undefined) cut.push(answer);
        else acknowledged.push(id);
      }
    };
    const clients = Array.from({ length: 10 }, (_, name) => client(name));
    await expect.poll(() => acknowledged.length, PATIENTLY).toBeGreaterThan(50);
    expect(await server.stop()).toBe(0);
    await Promise.all(clients);
    expect(cut).toEqual([]);
    const again = httpClient((await startServer({ dataDir })).address);
    const missing = [];
    for (const id of acknowledged) if ((await again.get(`/memory/${id}`)).status !== 200) missing.push(id);
    expect(missing).toEqual([]);
  });

  test('ends streams that have no end of their own', async () => {
    const server = await startServer();
    const stream = await fetch(`${server.address}/sse`);
    expect(stream.status).toBe(200);
    expect(await server.stop()).toBe(0);
  });

  test('ends at once when it is asked again', async () => {
    const server = await launchServer();
    const { upload, answered, add } = slowImport(server.address);
    answered.catch(() => undefined);
    upload.on('error', () => undefined);
    await add('never finished');
    await httpClient(server.address).get('/stats');
    const ended = server.stop();
    await expect.poll(() => server.stderr(), PATIENTLY).toContain('Stopping');
    server.child.kill('SIGTERM');
    // By the signal, not by itself.
    expect(await ended).toBeNull();
    expect(server.child.signalCode).toBe('SIGTERM');
  });
});

describe('a server whose memories are gone', () => {
  test('says so at once and with every request, and goes on when they are back', async () => {
    const dataDir = temporaryFolder();
    const server = await startServer({ dataDir });
    const api = httpClient(server.address);
    await api.post('/memory/add', { text: 'before' });
    renameSync(dataDir, `${dataDir}-away`);
    for (let count = 0; count < 3; count += 1) {
      const answer = await api.post('/memory/add', { text: 'after' });
      expect(answer).toMatchObject({ status: 503, data: { code: 'STORE_UNAVAILABLE', retryable: true } });
      expect((await api.get('/health/ready')).status).toBe(503);
    }
    expect(server.stderr()).toMatch(/WARN a request could not be answered .*code=STORE_UNAVAILABLE/);
    renameSync(`${dataDir}-away`, dataDir);
    expect((await api.get('/stats')).data['live']).toBe(1);
    expect((await api.get('/health/ready')).status).toBe(200);
  });

  test('says at the start that they cannot be used', async () => {
    const dataDir = temporaryFolder();
    writeFileSync(databasePath(dataDir), 'no database');
    const server = await startServer({ env: { MEMORY_DATA_DIR: dataDir } });
    await expect
      .poll(() => server.stderr(), PATIENTLY)
      .toMatch(/ERROR the memories cannot be used .*DAMAGED/);
  });
});

test('a server whose log nobody reads any more goes on', async () => {
  const server = await startServer({ args: ['--log-level', 'debug'] });
  server.child.stderr.destroy();
  const api = httpClient(server.address);
  for (let count = 1; count <= 5; count += 1)
    expect((await api.post('/memory/add', { text: `memory ${count}` })).status).toBe(201);
  // A command that is to stop gets some seconds for that.
  await setTimeout(8_000);
  expect((await api.get('/stats')).data['live']).toBe(5);
});

describe('metrics', () => {
  test('are in the format of Prometheus, by route, and hold no text of a user', async () => {
    const api = httpClient((await startServer()).address);
    await api.post('/memory/add', { text: 'Ada drinks tea' });
    const { data } = await api.post('/memory/add', { text: 'Ada drinks coffee' });
    await api.get(`/memory/${String(data['id'])}`);
    await api.get('/nothing/secret-path');
    await api.remove(`/memory/${String(data['id'])}`);
    const { text, headers } = await api.get('/metrics');
    expect(headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    for (const line of text
      .trim()
      .split('\n')
      .filter((each) => each !== '')) {
      expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+({(\w+="[^"]*",?)*})? [-+.e\d]+(Inf|NaN)?)$/);
    }
    const seconds = 'faiss_memory_http_request_duration_seconds_count';
    expect(text).toContain(`${seconds}{method="POST",route="/memory/add",status="201"} 2`);
    expect(text).toContain(`${seconds}{method="GET",route="/memory/:id",status="200"} 1`);
    expect(text).toContain('faiss_memory_memories{state="live"} 1');
    expect(text).toContain('faiss_memory_memories{state="trash"} 1');
    expect(text).toContain('faiss_memory_memories{state="without_vector"} 1');
    expect(text).toMatch(/^faiss_memory_process_resident_memory_bytes \d+$/m);
    expect(text).not.toMatch(/Ada|secret-path/);
  });
});

test('metrics have every name of docs/http.md, also with sync', async () => {
  const section = /^- \*\*Metrics\*\*(.*?)\n\n/ms.exec(readFileSync('docs/http.md', 'utf8'))?.[1] ?? '';
  const names = [...section.matchAll(/`(faiss_memory_\w+)`/g)].map(([, name = '']) => name);
  expect(names).toHaveLength(3);
  const env = {
    CLOUD_SYNC_ENABLED: 'true',
    CLOUD_SYNC_PROVIDER: 'folder',
    CLOUD_SYNC_BUCKET: temporaryFolder(),
  };
  const api = httpClient((await startServer({ env })).address);
  await api.post('/memory/add', { text: 'Ada drinks tea' });
  const before = Math.floor(Date.now() / 1_000);
  expect(await api.post('/sync/upload', {})).toMatchObject({ status: 200 });
  const { text } = await api.get('/metrics');
  const declared = [...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name = '']) => name);
  expect(declared).toEqual(expect.arrayContaining(names));
  const pushed = /^faiss_memory_last_push_timestamp_seconds (\S+)$/m.exec(text)?.[1];
  expect(Number(pushed)).toBeGreaterThanOrEqual(before);
});

describe('logs', () => {
  test('have one JSON object a request, with the id of the answer', async () => {
    const env = { MEMORY_LOG_LEVEL: 'info', MEMORY_LOG_FORMAT: 'json' };
    const server = await startServer({ env });
    const api = httpClient(server.address);
    const answers = [await api.get('/stats'), await api.post('/search', { query: '' }), await api.get('/x')];
    const ids = answers.map(({ headers }) => headers.get('x-request-id'));
    await server.stop();
    const entries = server
      .stderr()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ event }) => event === 'a request was answered');
    expect(entries.map(({ request: id }) => id)).toEqual(ids);
    expect(entries.map(({ status }) => status)).toEqual([200, 400, 404]);
    expect(entries[1]).toMatchObject({ level: 'info', method: 'POST', route: '/search' });
  });

  test('hold no text, query, path or token at any level', async () => {
    const token = 'the-token-of-the-tests-0123';
    const env = { MEMORY_LOG_LEVEL: 'debug', MEMORY_HTTP_TOKEN: token };
    const server = await startServer({ env });
    const api = httpClient(server.address, { Authorization: `Bearer ${token}` });
    await api.post('/memory/add', { text: 'Xylophone prefers tea', tags: ['zither'] });
    await api.post('/search', { query: 'xylophone' });
    await api.get('/memories?tags=zither&source=viola');
    await api.get('/stats', { Authorization: 'Bearer another-token-of-the-tests' });
    await api.get('/cello/bassoon');
    await api.post('/memory/add', { text: 5, trombone: 1 });
    await api.post('/mcp', { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'oboe' } });
    await server.stop();
    expect(server.stderr()).toContain('route=/memory/add');
    expect(server.stderr()).not.toMatch(
      /xylophone|zither|viola|cello|bassoon|trombone|oboe|the-token|another-token/i,
    );
    expect(server.stdout()).toBe('');
  });
});
