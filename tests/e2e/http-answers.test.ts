import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpClient, httpClient } from '../helpers/http-client.ts';
import { launchServer, type RunningHttpServer } from '../helpers/http-server.ts';

let server: RunningHttpServer;
let api: HttpClient;
beforeAll(async () => {
  server = await launchServer({
    env: { MEMORY_HTTP_BODY_LIMIT_MIB: '1', MEMORY_LOG_LEVEL: 'info', MEMORY_LOG_FORMAT: 'json' },
  });
  api = httpClient(server.address);
});
afterAll(async () => {
  await server.stop();
  expect(server.stdout()).toBe('');
});

const JSON_TYPE = { 'Content-Type': 'application/json' };

describe('a problem', () => {
  test('is an RFC 9457 document with a stable code, the fix and the id of the request', async () => {
    const answer = await api.get('/nothing/here');
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.data).toEqual({
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      detail: 'There is nothing at this path',
      code: 'NO_SUCH_ROUTE',
      fix: 'GET /openapi.json lists what there is.',
      retryable: false,
      request_id: answer.headers.get('x-request-id'),
    });
  });

  test.each([
    ['PUT', '/memory/add', 'POST'],
    ['GET', '/search', 'POST'],
    ['DELETE', '/memories', 'GET'],
    ['POST', '/memory/some-id', 'GET, PATCH, DELETE'],
    ['PATCH', '/sync/restore/some-name', 'POST'],
    ['POST', '/export', 'GET'],
    ['GET', '/import', 'POST'],
    ['POST', '/', 'GET'],
    ['OPTIONS', '/stats', 'GET'],
  ])('of %s %s names the right method', async (method, path, allow) => {
    const answer = await api.send(path, { method });
    expect(answer).toMatchObject({
      status: 405,
      data: { code: 'METHOD_NOT_ALLOWED', detail: `${method} is not possible here`, fix: `Use ${allow}.` },
    });
    expect(answer.headers.get('allow')).toBe(allow);
  });

  test.each(['/memory', '/memory/a/b', '/sync', '/ui/', '/ui/../package.json', '/stats/', '//stats'])(
    'is all that %s brings',
    async (path) => {
      const answer = await api.get(path);
      expect(answer).toMatchObject({ status: 404, data: { code: 'NO_SUCH_ROUTE' } });
    },
  );

  test('is 400 for an export with a condition, which would hold all memories', async () => {
    const detail = 'tags limits no export; export all, or some with "faiss-memory export"';
    expect(await api.get('/export?tags=a')).toMatchObject({ status: 400, data: { detail } });
    expect((await api.get('/export?utm_source=a')).status).toBe(200);
  });

  test('is 413 for a body over the limit, announced or streamed', async () => {
    const text = 'a'.repeat(1_024 ** 2 + 1);
    const tooLarge = {
      status: 413,
      data: {
        code: 'REQUEST_TOO_LARGE',
        detail: 'The request is larger than 1048576 bytes',
        fix: 'Send less at once, or raise MEMORY_HTTP_BODY_LIMIT_MIB.',
      },
    };
    expect(await api.post('/memory/add', { text })).toMatchObject(tooLarge);
    const streamed = await api.send('/memory/add', {
      method: 'POST',
      headers: JSON_TYPE,
      body: new Blob([JSON.stringify({ text })]).stream(),
      duplex: 'half',
    });
    expect(streamed).toMatchObject(tooLarge);
    expect((await api.get('/health')).status).toBe(200);
  });

  test.each([
    ['application/x-www-form-urlencoded', 'text=a'],
    ['text/plain', '{"text":"a"}'],
    ['multipart/form-data; boundary=x', '--x--'],
    ['application/jsonp', '{"text":"a"}'],
    ['', '{"text":"a"}'],
  ])('is 415 for a body that is %j', async (type, body) => {
    const answer = await api.send('/memory/add', {
      method: 'POST',
      headers: { 'Content-Type': type },
      body: new TextEncoder().encode(body),
    });
    expect(answer).toMatchObject({ status: 415, data: { code: 'UNSUPPORTED_MEDIA_TYPE' } });
    expect(answer.data['detail']).toBe(`The body is "${type}"`);
  });

  test('is 415 for a body that is compressed, or not UTF-8', async () => {
    const body = new TextEncoder().encode('{"text":"Caf');
    const latin = new Uint8Array([...body, 0xe9, 0x22, 0x7d]);
    expect(await api.send('/memory/add', { method: 'POST', headers: JSON_TYPE, body: latin })).toMatchObject({
      status: 415,
      data: { detail: 'The body is not UTF-8', fix: expect.stringContaining('UTF-8') as string },
    });
    const headers = { ...JSON_TYPE, 'Content-Encoding': 'gzip' };
    expect(await api.send('/memory/add', { method: 'POST', headers, body: latin })).toMatchObject({
      status: 415,
      data: { detail: 'The body is compressed with gzip' },
    });
    const mcp = { ...JSON_TYPE, Accept: 'application/json, text/event-stream' };
    expect(await api.send('/mcp', { method: 'POST', headers: mcp, body: latin })).toMatchObject({
      status: 400,
      data: {
        error: { code: -32_700, message: 'Parse error: the message is not UTF-8; send JSON in UTF-8.' },
      },
    });
  });

  test.each([
    ['{', 'body is no JSON; allowed is an object such as {"text": "…"}'],
    ['[]', 'body is no JSON object; allowed is an object such as {"text": "…"}'],
    ['"text"', 'body is no JSON object; allowed is an object such as {"text": "…"}'],
    ['', 'text is missing; allowed is a text'],
    ['null', 'body is no JSON object; allowed is an object such as {"text": "…"}'],
    ['{"text":5}', 'text is 5; allowed is a text'],
    ['{"text":""}', 'text is empty; allowed is a text with at least one visible character'],
    ['{"text":"a","metadata":5}', 'metadata is 5; allowed is a JSON object'],
    ['{"text":"a","tags":[1]}', 'tags[0] is 1; allowed is a text'],
    [
      '{"text":"a","tag":"b"}',
      'tag is an unknown field; allowed are text, tags, source, project, metadata, occurred_at, expires, pinned, supersedes, on_duplicate, wait; did you mean tags?',
    ],
    [
      '{"text":"a","onDuplicate":"skip"}',
      'onDuplicate is an unknown field; allowed are text, tags, source, project, metadata, occurred_at, expires, pinned, supersedes, on_duplicate, wait; did you mean on_duplicate?',
    ],
    [
      '{"content":"a"}',
      'content is an unknown field; text is missing; allowed are text, tags, source, project, metadata, occurred_at, expires, pinned, supersedes, on_duplicate, wait',
    ],
    [
      `{"text":"a","metadata":{${'"b":1,'.repeat(20_000)}"c":1}}`,
      'body has more than 20000 members and items; send less at once',
    ],
  ])('of the body %s names the field, the value and what is allowed', async (body, detail) => {
    const answer = await api.send('/memory/add', { method: 'POST', headers: JSON_TYPE, body });
    expect(answer).toMatchObject({ status: 400, data: { code: 'INVALID_INPUT', detail } });
  });

  test.each([
    ['GET', '/memories?limit=0', 'limit is 0; allowed is an integer from 1 to 1000'],
    ['GET', '/memories?limit=5&limit=6', 'limit is ["5","6"]; allowed is an integer from 1 to 1000'],
    ['GET', '/memories?which=all', 'which is "all"; allowed is one of live, trash, conflict'],
    ['GET', '/memories?metadata=a', 'metadata is "a"; allowed is a JSON object'],
    ['GET', '/memories?limits=1', 'limits is an unknown field; allowed are '],
    ['POST', '/memory/add?text=a', 'text stands in the query; send it in the JSON body'],
    ['PATCH', '/memory/some-id', 'body has no change; allowed are '],
    ['POST', '/search', 'query is missing; allowed is a text'],
    ['POST', '/memory/is-novel', 'text is missing; allowed is a text'],
    ['POST', '/memory/deduplicate?threshold=0.9', 'threshold stands in the query; send it in the JSON body'],
  ])('of %s %s too', async (method, path, detail) => {
    const answer = await api.send(path, { method });
    expect(answer).toMatchObject({ status: 400, data: { code: 'INVALID_INPUT' } });
    expect(answer.data['detail']).toContain(detail);
  });
});

describe('a field that nobody knows', () => {
  test('is ignored, and named in the answer', async () => {
    const added = await api.post('/memory/add', {
      text: 'tea',
      task_progress: '1/2',
      tags: '',
      metadata: '',
    });
    expect(added).toMatchObject({ status: 201, data: { ignored_fields: ['task_progress'] } });
    const odd = JSON.parse('{"text":"milk","__proto__":{"tags":["b"]}}') as object;
    expect(await api.post('/memory/add', odd)).toMatchObject({
      status: 201,
      data: { ignored_fields: ['__proto__'] },
    });
    expect(await api.get('/memories?_=17&limit=')).toMatchObject({
      status: 200,
      data: { ignored_fields: ['_'] },
    });
  });
});

describe('the id of a request', () => {
  test('stands in the answer and in the log, with the route and without what was written', async () => {
    const answer = await api.post('/memory/add', { text: 'a private thought' });
    const id = answer.headers.get('x-request-id') ?? '';
    expect(id).toMatch(/^[\w-]{36}$/);
    const entries = await entriesOf(id);
    expect(entries).toEqual([
      expect.objectContaining({ level: 'info', method: 'POST', route: '/memory/add', status: 201 }),
    ]);
    expect(server.stderr()).not.toContain('private');
  });

  test('may come from the caller, when it is harmless', async () => {
    const own = await api.get('/memories?limits=private', { 'X-Request-Id': 'trace-12_ab=' });
    expect(own.headers.get('x-request-id')).toBe('trace-12_ab=');
    expect(own.data['request_id']).toBe('trace-12_ab=');
    expect(await entriesOf('trace-12_ab=')).toMatchObject([{ route: '/memories', status: 400 }]);
    expect(server.stderr()).not.toContain('private');
    for (const hostile of ['a b', 'a"b', 'x'.repeat(256)]) {
      const other = await api.get('/stats', { 'X-Request-Id': hostile });
      expect(other.headers.get('x-request-id')).toMatch(/^[\w-]{36}$/);
    }
  });

  async function entriesOf(id: string): Promise<object[]> {
    // The log is written when the answer begins, and read by us in chunks.
    await expect.poll(() => server.stderr()).toContain(id);
    return server
      .stderr()
      .split('\n')
      .filter((line) => line.startsWith('{') && line.includes(JSON.stringify(id)))
      .map((line) => JSON.parse(line) as object);
  }
});

describe('the page', () => {
  test('and its files are sent once, and again only when they changed', async () => {
    const page = await api.get('/');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const files = [...page.text.matchAll(/"(\/ui\/[^"]+)"/g)].map(([, path = '']) => path);
    expect(files).toContain('/ui/app.js');
    for (const path of ['/', ...files]) {
      const first = await api.get(path);
      const etag = first.headers.get('etag') ?? '';
      expect([first.status, etag]).toEqual([200, expect.stringMatching(/^W\/"[\w-]{43}"$/)]);
      expect(first.headers.get('cache-control')).toBe('no-cache');
      expect(first.headers.get('content-encoding')).toBe('gzip');
      const plain = await api.get(path, { 'Accept-Encoding': 'identity' });
      expect([plain.headers.get('content-encoding'), plain.text]).toEqual([null, first.text]);
      const again = await api.get(path, { 'If-None-Match': etag });
      expect([again.status, again.text]).toEqual([304, '']);
      expect(again.headers.get('etag')).toBe(etag);
      expect((await api.get(path, { 'If-None-Match': '"other"' })).status).toBe(200);
      const head = await api.send(path, { method: 'HEAD' });
      expect([head.status, head.text]).toEqual([200, '']);
    }
  });
});

describe('health and metrics', () => {
  test('tell that the server lives, is ready, and what it did', async () => {
    expect((await api.get('/health')).data).toMatchObject({ status: 'ok', live: true, ready: true });
    expect((await api.get('/health/live')).data).toEqual({ live: true });
    expect((await api.get('/health/ready')).data).toEqual({ ready: true });
    const metrics = await api.get('/metrics');
    expect(metrics.headers.get('content-type')).toMatch(/^text\/plain; version=/);
    expect(metrics.text).toMatch(/^faiss_memory_memories\{state="live"\} \d+$/m);
    expect(metrics.text).toMatch(
      /duration_seconds_count\{method="GET",route="\/health\/ready",status="200"\} 1/,
    );
  });
});
