import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type HttpClient, httpClient } from '../helpers/http-client.ts';
import { startServer } from '../helpers/http-server.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { databasePath } from '../helpers/sqlite-store.ts';
import { untilStill } from '../helpers/until-still.ts';

const LINES = { 'Content-Type': 'application/x-ndjson' };

async function start(env: Readonly<Record<string, string>> = {}): Promise<HttpClient> {
  return httpClient((await startServer({ env })).address);
}

async function memoriesOf(api: HttpClient): Promise<unknown> {
  return (await api.get('/memories?order=oldest&limit=1000')).data['memories'];
}

describe('export and import', () => {
  test('carry all memories over, once', async () => {
    const [one, two] = [await start(), await start()];
    await one.post('/memory/add-batch', {
      memories: [
        {
          text: 'Ada likes tea',
          tags: ['drink'],
          source: 'chat',
          metadata: { year: 1843, nested: { a: [] } },
        },
        { text: 'Zeilen\nund „Zeichen“ 🫖 \u2028', project: 'web' },
      ],
    });
    const exported = await one.get('/export');
    expect(exported.status).toBe(200);
    expect(exported.headers.get('content-type')).toBe('application/x-ndjson');
    expect(exported.headers.get('content-disposition')).toMatch(
      /^attachment; filename="memories-\d{4}-\d\d-\d\d\.jsonl"$/,
    );
    const load = { method: 'POST', headers: LINES, body: exported.text };
    const first = await two.send('/import', load);
    expect(first).toMatchObject({ status: 200, data: { added: 2, existing: 0, rejected: 0, problems: [] } });
    expect(await memoriesOf(two)).toEqual(await memoriesOf(one));
    const again = await two.send('/import', load);
    expect(again.data).toMatchObject({ added: 0, existing: 2, problems: [] });
    expect((await two.get('/export')).text.split('\n').slice(1, -2)).toEqual(
      exported.text.split('\n').slice(1, -2),
    );
  });

  test('take a body in chunks of any size', async () => {
    const [one, two] = [await start(), await start()];
    const memories = Array.from({ length: 50 }, (_, index) => ({ text: `memory ${index} 🫖` }));
    await one.post('/memory/add-batch', { memories });
    const bytes = new TextEncoder().encode((await one.get('/export')).text);
    const chunks = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += 7) controller.enqueue(bytes.subarray(at, at + 7));
        controller.close();
      },
    });
    const answer = await two.send('/import', {
      method: 'POST',
      headers: LINES,
      body: chunks,
      duplex: 'half',
    });
    expect(answer).toMatchObject({ status: 200, data: { added: 50, completed: true } });
  });
});

describe('export', () => {
  test('is a problem when the store cannot be read', async () => {
    const dataDir = temporaryFolder();
    writeFileSync(databasePath(dataDir), 'no database');
    const api = await start({ MEMORY_DATA_DIR: dataDir });
    expect(await api.get('/export')).toMatchObject({ status: 503, data: { code: 'STORE_DAMAGED' } });
  });

  test('ends without a word when nobody reads it to its end', async () => {
    const server = await startServer({ env: { MEMORY_BACKUP_ENABLED: 'off' } });
    const api = httpClient(server.address);
    const line = (index: number): string => JSON.stringify({ text: `memory ${index} ${'a'.repeat(50_000)}` });
    const body = Array.from({ length: 60 }, (_, index) => line(index)).join('\n');
    expect((await api.send('/import', { method: 'POST', headers: LINES, body })).data['added']).toBe(60);
    for (let count = 0; count < 3; count += 1) {
      const answer = await fetch(`${server.address}/export`);
      const reader = answer.body?.getReader();
      await reader?.read();
      await reader?.cancel();
    }
    expect((await api.get('/health')).status).toBe(200);
    expect(await server.stop()).toBe(0);
    expect(server.stderr()).not.toMatch(/error/i);
    expect(server.stdout()).toBe('');
  });
});

describe('import', () => {
  test('replaces other content only when asked to, and names what it left out', async () => {
    const api = await start();
    const added = await api.post('/memory/add', { text: 'Ada likes tea' });
    const id = String(added.data['id']);
    const body = `${JSON.stringify({ id, text: 'Ada likes coffee' })}\nno JSON\n{"text":"new"}\n`;
    const kept = await api.send('/import', { method: 'POST', headers: LINES, body });
    expect(kept.data).toMatchObject({ added: 1, conflicts: 1, rejected: 1, updated: 0 });
    expect(kept.data['problems']).toMatchObject([
      { line: 2, kind: 'rejected' },
      { line: 1, id, kind: 'conflict' },
    ]);
    expect((await api.get(`/memory/${id}`)).data['text']).toBe('Ada likes tea');
    const headers = { 'Content-Type': 'text/plain' };
    const replaced = await api.send('/import?overwrite=True', { method: 'POST', headers, body });
    expect(replaced.data).toMatchObject({ updated: 1 });
    expect((await api.get(`/memory/${id}`)).data['text']).toBe('Ada likes coffee');
  });

  test('tells how far it is to who wants to hear it', async () => {
    const api = await start();
    const body = Array.from({ length: 450 }, (_, index) => `{"text":"memory ${index}"}`).join('\n');
    const headers = { ...LINES, Accept: 'text/event-stream' };
    const answer = await api.send('/import', { method: 'POST', headers, body });
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    expect(answer.text).toMatch(/^event: progress\ndata: {"step":"importing lines","done":200}\n/);
    expect(answer.text).toMatch(/\nevent: result\ndata: {[^\n]*"added":450,[^\n]*"completed":true,[^\n]*}\n/);
  });

  test('stops when its caller goes away, and keeps what it had', async () => {
    const api = await start();
    const caller = new AbortController();
    // Long lines, so that what is on its way when the caller leaves is not many of them.
    const line = (index: number): string => `{"text":"memory ${index} ${'a'.repeat(20_000)}"}\n`;
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      async pull(controller) {
        controller.enqueue(new TextEncoder().encode(line((sent += 1))));
        await new Promise(setImmediate);
      },
    });
    const options = { method: 'POST', headers: LINES, body: endless, duplex: 'half' } as const;
    const importing = api.send('/import', { ...options, signal: caller.signal });
    const live = async (): Promise<number> => Number((await api.get('/stats')).data['live']);
    await expect.poll(live).toBeGreaterThanOrEqual(200);
    caller.abort();
    await expect(importing).rejects.toThrow('aborted');
    // What had left the caller may still arrive; then nothing does.
    await untilStill(live);
  });

  test.each([
    ['/import?overwrite=yes', 'overwrite is "yes"; allowed is true or false'],
    [
      '/import?overwrit=true',
      'overwrit is an unknown field; allowed are overwrite, dry_run, format; did you mean overwrite?',
    ],
  ])('at %s is refused before anything is read', async (path, detail) => {
    const api = await start();
    const answer = await api.send(path, { method: 'POST', headers: LINES, body: '{"text":"a"}' });
    expect(answer).toMatchObject({ status: 400, data: { code: 'INVALID_INPUT', detail } });
    expect((await api.get('/stats')).data['live']).toBe(0);
  });

  test('names a field that it ignored', async () => {
    const api = await start();
    const answer = await api.send('/import?force=true', {
      method: 'POST',
      headers: LINES,
      body: '{"text":"a"}',
    });
    expect(answer).toMatchObject({ status: 200, data: { added: 1, ignored_fields: ['force'] } });
  });

  test.each(['application/xml', 'application/x-www-form-urlencoded', ''])('is 415 for %j', async (type) => {
    const api = await start();
    const body = new TextEncoder().encode('{"text":"a"}');
    const answer = await api.send('/import', { method: 'POST', headers: { 'Content-Type': type }, body });
    expect(answer).toMatchObject({
      status: 415,
      data: {
        fix: 'Send JSON lines with the header "Content-Type: application/x-ndjson", or one JSON document with application/json.',
      },
    });
    expect((await api.get('/stats')).data['live']).toBe(0);
  });

  test('of nothing adds nothing', async () => {
    const api = await start();
    for (const body of ['', '\n\n']) {
      const answer = await api.send('/import', { method: 'POST', headers: LINES, body });
      expect(answer).toMatchObject({ status: 200, data: { added: 0, rejected: 0 } });
    }
  });

  test('may be larger than other requests', async () => {
    const api = await start({ MEMORY_HTTP_BODY_LIMIT_MIB: '1' });
    const line = `{"text":"${'a'.repeat(60_000)}"}\n`;
    const large = await api.send('/import', { method: 'POST', headers: LINES, body: line.repeat(30) });
    expect(large).toMatchObject({ status: 200, data: { added: 1, existing: 29 } });
    expect((await api.get('/stats')).data['live']).toBe(1);
  });
});
