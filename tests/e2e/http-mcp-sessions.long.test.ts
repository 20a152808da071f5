import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchServer, type RunningHttpServer, startServer } from '../helpers/http-server.ts';

type PlainHeaders = Readonly<Record<string, string>>;

interface RawRequest {
  readonly method: string;
  readonly headers: PlainHeaders;
  readonly body?: string | ReadableStream;
  readonly duplex?: 'half';
}

interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** JSON, or events with JSON in them. */
  readonly text: string;
}

const JSON_HEADERS = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' };

/** MCP over Streamable HTTP spoken by hand, to see each status and header. */
class RawHttp {
  readonly #address: string;
  readonly #headers: PlainHeaders;

  /** @param headers sent with every request */
  constructor(address: string, headers: PlainHeaders = {}) {
    this.#address = address;
    this.#headers = headers;
  }

  /** Posts a message, or a body as it is. */
  async post(message: object | string, headers: PlainHeaders = {}, path = '/mcp'): Promise<RawAnswer> {
    const body = typeof message === 'string' ? message : JSON.stringify(message);
    return this.#send(path, { method: 'POST', headers: { ...JSON_HEADERS, ...headers }, body });
  }

  /** Posts a body without saying how long it is. */
  async postStream(text: string, path = '/mcp'): Promise<RawAnswer> {
    const body = new Blob([text]).stream();
    return this.#send(path, { method: 'POST', headers: JSON_HEADERS, body, duplex: 'half' });
  }

  /** Ends a session. */
  async remove(session: string): Promise<RawAnswer> {
    return this.#send('/mcp', { method: 'DELETE', headers: { 'Mcp-Session-Id': session } });
  }

  /** Starts a session as a client of the 2025 protocols does. @returns its id */
  async startSession(): Promise<string> {
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'test', version: '1' },
    };
    const { headers } = await this.post({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
    const session = headers.get('mcp-session-id');
    if (session === null) throw new Error('the server started no session');
    await this.post({ jsonrpc: '2.0', method: 'notifications/initialized' }, { 'Mcp-Session-Id': session });
    return session;
  }

  async #send(path: string, request: RawRequest): Promise<RawAnswer> {
    const headers = { ...this.#headers, ...request.headers };
    const response = await fetch(new URL(path, this.#address), { ...request, headers });
    return { status: response.status, headers: response.headers, text: await response.text() };
  }
}

const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} };
const WRITE_TOKEN = 'w'.repeat(32);
const READ_TOKEN = 'r'.repeat(32);
const MEBIBYTE = 1_024 ** 2;

let server: RunningHttpServer;
beforeAll(async () => {
  server = await launchServer({
    env: {
      MEMORY_HTTP_TOKEN: WRITE_TOKEN,
      MEMORY_HTTP_READ_TOKEN: READ_TOKEN,
      MEMORY_HTTP_BODY_LIMIT_MIB: '1',
    },
  });
});
afterAll(async () => {
  await server.stop();
});

const as = (token: string): RawHttp => new RawHttp(server.address, { Authorization: `Bearer ${token}` });

describe('a session of Streamable HTTP', () => {
  test('has an id that nobody guesses, another one each time', async () => {
    const ids = await Promise.all([as(WRITE_TOKEN).startSession(), as(WRITE_TOKEN).startSession()]);
    expect(ids[0]).not.toBe(ids[1]);
    for (const id of ids) expect(id).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
  });

  test('answers as long as nobody ends it', async () => {
    const client = as(WRITE_TOKEN);
    const session = { 'Mcp-Session-Id': await client.startSession() };
    for (let count = 0; count < 3; count += 1) {
      const { status, headers, text } = await client.post(LIST, session);
      expect(status).toBe(200);
      expect(headers.get('content-type')).toContain('text/event-stream');
      expect(text).toContain('memory_add');
    }
  });

  test('is over when its client ends it', async () => {
    const client = as(WRITE_TOKEN);
    const id = await client.startSession();
    expect((await client.remove(id)).status).toBe(200);
    await expectNoSession(client, id);
    expect((await client.remove(id)).status).toBe(404);
  });

  test('is known only to those who may do what its client may', async () => {
    const [writer, reader] = [as(WRITE_TOKEN), as(READ_TOKEN)];
    const written = await writer.startSession();
    await expectNoSession(reader, written);
    expect((await reader.remove(written)).status).toBe(404);
    expect((await writer.post(LIST, { 'Mcp-Session-Id': written })).text).toContain('memory_add');
    const read = await reader.startSession();
    await expectNoSession(writer, read);
    const { text } = await reader.post(LIST, { 'Mcp-Session-Id': read });
    expect(text).toContain('memory_search');
    expect(text).not.toContain('memory_add');
  });

  test('is gone with its server, and says so', async () => {
    const first = await startServer();
    const id = await new RawHttp(first.address).startSession();
    expect(await first.stop()).toBe(0);
    const second = await startServer({ args: ['--port', new URL(first.address).port] });
    await expectNoSession(new RawHttp(second.address), id);
  });

  test('ends with its server while it listens', async () => {
    const own = await startServer();
    const id = await new RawHttp(own.address).startSession();
    const stream = await fetch(`${own.address}/mcp`, {
      headers: { Accept: 'text/event-stream', 'Mcp-Session-Id': id },
    });
    expect(stream.status).toBe(200);
    const heard = stream.text();
    expect(await own.stop()).toBe(0);
    expect(await heard).not.toContain('data: {');
  });
});

async function expectNoSession(client: RawHttp, id: string): Promise<void> {
  const { status, text } = await client.post(LIST, { 'Mcp-Session-Id': id });
  expect(status).toBe(404);
  expect(JSON.parse(text)).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -32_001 } });
}

describe('without a session', () => {
  test('single calls are answered, and nothing is kept', async () => {
    const { status, headers, text } = await as(WRITE_TOKEN).post(LIST);
    expect(status).toBe(200);
    expect(text).toContain('memory_add');
    expect(headers.get('mcp-session-id')).toBeNull();
  });

  test('there is nothing to listen to', async () => {
    const headers = { Accept: 'text/event-stream', Authorization: `Bearer ${WRITE_TOKEN}` };
    const { status } = await fetch(`${server.address}/mcp`, { headers });
    expect(status).toBe(405);
  });
});

describe.each(['/mcp', '/messages'])('a message to %s', (path) => {
  test('needs a token', async () => {
    for (const headers of [
      {},
      { Authorization: 'Bearer wrong' },
      { Authorization: `Basic ${WRITE_TOKEN}` },
    ]) {
      const { status, headers: answered } = await new RawHttp(server.address, headers).post(LIST, {}, path);
      expect(status).toBe(401);
      expect(answered.get('www-authenticate')).toContain('Bearer');
    }
  });

  test('is no larger than the limit', async () => {
    const client = as(WRITE_TOKEN);
    expect((await client.post(ofSize(MEBIBYTE), {}, path)).status).not.toBe(413);
    expect((await client.post(ofSize(MEBIBYTE + 1), {}, path)).status).toBe(413);
  });
});

/** JSON of so many bytes. */
function ofSize(bytes: number): string {
  return JSON.stringify('x'.repeat(bytes - 2));
}

describe('a message', () => {
  test('is no larger than the limit when its length is not announced', async () => {
    const client = as(WRITE_TOKEN);
    expect((await client.postStream(ofSize(MEBIBYTE + 1))).status).toBe(413);
    expect((await client.postStream(JSON.stringify(LIST))).status).toBe(200);
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx'])(
    'of the type %s is refused',
    async (type) => {
      const client = as(WRITE_TOKEN);
      const session = await client.startSession();
      for (const headers of [{}, { 'Mcp-Session-Id': session }]) {
        expect((await client.post(LIST, { ...headers, 'Content-Type': type })).status).toBe(415);
      }
    },
  );

  test('that is no JSON, or no JSON-RPC, is refused with an error of JSON-RPC', async () => {
    const client = as(WRITE_TOKEN);
    for (const [body, code] of [
      ['{"jsonrpc":', -32_700],
      ['[1, 2]', -32_600],
      ['{"hello":"world"}', -32_600],
    ] as const) {
      const { status, text } = await client.post(body);
      expect(status).toBe(400);
      const answer = JSON.parse(text) as unknown;
      // What was wrong with each entry of a batch.
      const errors = Array.isArray(answer) ? (answer as unknown[]) : [answer];
      for (const error of errors) expect(error).toMatchObject({ jsonrpc: '2.0', error: { code } });
    }
  });

  test('whose sender takes no events is refused', async () => {
    const client = as(WRITE_TOKEN);
    const session = await client.startSession();
    const { status } = await client.post(LIST, { 'Mcp-Session-Id': session, Accept: 'text/html' });
    expect(status).toBe(406);
  });

  test('of an unknown protocol is refused', async () => {
    const client = as(WRITE_TOKEN);
    const session = await client.startSession();
    const { status } = await client.post(LIST, {
      'Mcp-Session-Id': session,
      'Mcp-Protocol-Version': '1999-01-01',
    });
    expect(status).toBe(400);
  });
});

describe('an event stream of HTTP+SSE', () => {
  test('tells where to post, takes JSON only, and knows no one of other access', async () => {
    const reading = new AbortController();
    const stream = await fetch(`${server.address}/sse`, {
      headers: { Authorization: `Bearer ${WRITE_TOKEN}` },
      signal: reading.signal,
    });
    expect(stream.headers.get('content-type')).toBe('text/event-stream');
    const [, path = ''] = /data: (\/messages\?sessionId=\S+)/.exec(await firstEvent(stream)) ?? [];
    const client = as(WRITE_TOKEN);
    expect((await client.post(LIST, {}, path)).status).toBe(202);
    expect((await client.post(LIST, { 'Content-Type': 'text/plain' }, path)).status).toBe(415);
    expect((await client.post('{"hello":"world"}', {}, path)).status).toBe(400);
    expect((await client.postStream(ofSize(MEBIBYTE + 1), path)).status).toBe(413);
    expect((await as(READ_TOKEN).post(LIST, {}, path)).status).toBe(404);
    expect((await client.post(LIST, {}, '/messages?sessionId=nobody')).status).toBe(404);
    reading.abort();
  });
});

async function firstEvent({ body }: Response): Promise<string> {
  if (body === null) return '';
  const { value = '' } = await body.pipeThrough(new TextDecoderStream()).getReader().read();
  return value;
}
