import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readEvents } from '../helpers/event-stream.ts';
import { launchServer, type RunningHttpServer } from '../helpers/http-server.ts';
import { RawServer } from '../helpers/mcp/raw-server.ts';
import { temporaryFolder, WITH_MODEL } from '../helpers/mcp/server-environment.ts';

interface Reply {
  readonly id: unknown;
  readonly error?: { readonly code: number };
}

/** Every request with the code of its refusal; undefined = it is answered. */
const requests: readonly [string, string, unknown, number?][] = [
  ['params null', '{"jsonrpc":"2.0","id":1,"method":"ping","params":null}', 1],
  ['_meta null', '{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{"_meta":null,"cursor":null}}', 2],
  ['no jsonrpc', '{"id":3,"method":"ping"}', 3, -32_600],
  ['method 5', '{"jsonrpc":"2.0","id":4,"method":5}', 4, -32_600],
  ['params "x"', '{"jsonrpc":"2.0","id":5,"method":"ping","params":"x"}', 5, -32_602],
  ['broken JSON', '{"jsonrpc":"2.0","id":6,"method"', null, -32_700],
  [
    'arguments null',
    '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"memory_stats","arguments":null}}',
    7,
  ],
  [
    'arguments []',
    '{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":"memory_stats","arguments":[]}}',
    8,
  ],
  [
    'arguments as a text',
    '{"jsonrpc":"2.0","id":15,"method":"tools/call","params":{"name":"memory_stats","arguments":"{\\"limit\\":5}"}}',
    15,
  ],
  [
    'initialize with capabilities []',
    '{"jsonrpc":"2.0","id":16,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":[],"clientInfo":{"name":"php","version":"1"}}}',
    16,
  ],
  [
    'arguments [1]',
    '{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"memory_stats","arguments":[1]}}',
    9,
    -32_602,
  ],
  ['id 1.5', '{"jsonrpc":"2.0","id":1.5,"method":"ping"}', 1.5, -32_600],
  ['id true', '{"jsonrpc":"2.0","id":true,"method":"ping"}', null, -32_600],
  ['id {}', '{"jsonrpc":"2.0","id":{},"method":"ping"}', null, -32_600],
  [
    'a huge id',
    '{"jsonrpc":"2.0","id":123456789012345680000,"method":"ping"}',
    123456789012345680000,
    -32_600,
  ],
  ['a text', '"ping"', null, -32_600],
  ['an unknown method', '{"jsonrpc":"2.0","id":10,"method":"no/such"}', 10, -32_601],
  ['an unknown tool', '{"jsonrpc":"2.0","id":11,"method":"tools/call","params":{"name":"no"}}', 11, -32_602],
  ['a lone surrogate', '{"jsonrpc":"2.0","id":"\\ud800","method":"ping"}', '\ud800'],
  ['a byte order mark', '\uFEFF{"jsonrpc":"2.0","id":12,"method":"ping"}\r', 12],
  [
    'a million unknown fields',
    `{"jsonrpc":"2.0","id":13,"method":"tools/call","params":{"name":"memory_stats","arguments":{${'"a":1,'.repeat(999_999)}"b":1}}}`,
    13,
    -32_600,
  ],
  [
    'a hundred thousand levels',
    `{"jsonrpc":"2.0","id":14,"method":"ping","params":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`,
    14,
    -32_600,
  ],
];

const BATCH = [
  { jsonrpc: '2.0', id: 20, method: 'ping' },
  5,
  { jsonrpc: '2.0', id: 21, method: 'tools/list' },
];

function codes(replies: readonly Reply[]): [unknown, number?][] {
  return replies.map(({ id, error }) => (error === undefined ? [id] : [id, error.code]));
}

/** In any order: answers come when they are ready. */
function sorted(replies: readonly [unknown, number?][]): string[] {
  return replies.map((reply) => JSON.stringify(reply)).sort();
}

const expected = requests.map(([, , id, code]): [unknown, number?] =>
  code === undefined ? [id] : [id, code],
);

describe('over stdio', () => {
  test('answers every request that is piped in, before it ends', async () => {
    const server = new RawServer(temporaryFolder());
    const lines = [...requests.map(([, line]) => line), JSON.stringify(BATCH)];
    // The last line has no line feed.
    server.child.stdin.end(
      `${lines.join('\n')}\n${JSON.stringify({ jsonrpc: '2.0', id: 30, method: 'ping' })}`,
    );
    expect(await server.exited).toEqual({ code: 0, signal: null });
    const written = server.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    const single = written.filter((one) => !Array.isArray(one)) as Reply[];
    expect(sorted(codes(single))).toEqual(sorted([...expected, [30]]));
    const [batch] = written.filter((one) => Array.isArray(one)) as Reply[][];
    expect(sorted(codes(batch ?? []))).toEqual(sorted([[20], [null, -32_600], [21]]));
  });

  test('answers two messages on one line, and goes on after a line that is too large', async () => {
    const server = new RawServer(temporaryFolder());
    await server.initialize();
    server.child.stdin.write(
      '{"jsonrpc":"2.0","id":40,"method":"ping"}{"jsonrpc":"2.0","id":41,"method":"ping"}\n',
    );
    const piece = 'x'.repeat(1024 * 1024);
    for (let count = 0; count <= 64; count++)
      if (!server.child.stdin.write(piece)) await once(server.child.stdin, 'drain');
    server.child.stdin.end('\n{"jsonrpc":"2.0","id":42,"method":"ping"}\n');
    await server.exited;
    for (const id of [40, 41, 42]) expect(server.stdout).toContain(`"id":${id}}`);
    expect(server.stdout).toMatch(
      /"id":null,"error":\{"code":-32600,"message":"[^"]*larger than 67108864 bytes/,
    );
  });

  test('finishes piped calls however long the model takes to load', async () => {
    const server = new RawServer(temporaryFolder(), WITH_MODEL);
    await server.initialize();
    const memories = [1, 2, 3].map((number) => ({
      text: `fact ${number}: ${'the harbour is closed at night '.repeat(40)}`,
    }));
    const added = server.call('memory_add', { memories, on_duplicate: 'skip' });
    server.child.stdin.end();
    expect((await added).isError).toBe(false);
    expect(await server.exited).toEqual({ code: 0, signal: null });
  });
});

describe('over HTTP', () => {
  let server: RunningHttpServer;
  beforeAll(async () => {
    server = await launchServer();
  });
  afterAll(async () => {
    await server.stop();
  });

  function post(body: string, accept?: string, path = '/mcp'): Promise<Response> {
    const headers = {
      'Content-Type': 'application/json',
      ...(accept === undefined ? {} : { Accept: accept }),
    };
    return fetch(new URL(path, server.address), { method: 'POST', headers, body });
  }

  test.each(requests)('answers %s', async (_, body, id, code) => {
    const response = await post(body, 'application/json');
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(codes([(await response.json()) as Reply])).toEqual([code === undefined ? [id] : [id, code]]);
  });

  test('answers a batch as one list, with what was no message in it', async () => {
    const replies = (await (await post(JSON.stringify(BATCH), 'application/json')).json()) as Reply[];
    expect(sorted(codes(replies))).toEqual(sorted([[20], [null, -32_600], [21]]));
    const events: Reply[] = [];
    for await (const { data } of readEvents(await post(JSON.stringify(BATCH), 'text/event-stream'))) {
      events.push(data as unknown as Reply);
    }
    expect(sorted(codes(events))).toEqual(sorted([[20], [null, -32_600], [21]]));
  });

  const call = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"memory_stats"}}';
  test.each([
    ['application/json', 'application/json'],
    ['application/json;q=0.9, text/event-stream;q=0', 'application/json'],
    ['*/*', 'application/json'],
    ['text/html, *; q=.2', 'application/json'],
    ['text/event-stream', 'text/event-stream'],
    ['text/event-stream, */*;q=0.1', 'text/event-stream'],
    ['application/json, text/event-stream', 'text/event-stream'],
  ])('answers what accepts %s with %s', async (accept, type) => {
    for (const path of ['/mcp', '/mcp/']) {
      const response = await post(call, accept, path);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toContain(type);
      expect(await response.text()).toContain('"live\\":0');
    }
  });

  test('starts a session for a client that reads JSON only, and does not ask its user', async () => {
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: { elicitation: {} },
      clientInfo: { name: 't', version: '1' },
    };
    const started = await post(
      JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
      'application/json',
    );
    const session = started.headers.get('mcp-session-id') ?? '';
    expect(await started.json()).toMatchObject({ id: 1, result: { serverInfo: { name: 'faiss-memory' } } });
    const headers = {
      'Content-Type': 'application/json',
      Accept: 'application/json',
      'Mcp-Session-Id': session,
    };
    const send = async (name: string, values: object): Promise<unknown> => {
      const body = JSON.stringify({
        jsonrpc: '2.0',
        id: 2,
        method: 'tools/call',
        params: { name, arguments: values },
      });
      return (await fetch(new URL('/mcp', server.address), { method: 'POST', headers, body })).json();
    };
    await send('memory_add', { text: 'Ada likes tea' });
    await send('sync_upload', { name: 'before' });
    const restored = await send('sync_restore', { mode: 'replace', snapshot: 'before', from: 'local' });
    expect(restored).toMatchObject({ id: 2, result: { content: [{ type: 'text' }] } });
  });

  test('answers all requests of a session that share an id, and takes the id again later', async () => {
    const params = {
      protocolVersion: '2025-03-26',
      capabilities: {},
      clientInfo: { name: 't', version: '1' },
    };
    const hello = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
    const session = (await post(hello, 'application/json')).headers.get('mcp-session-id') ?? '';
    const send = async (body: string): Promise<unknown> => {
      const headers = {
        'Content-Type': 'application/json',
        Accept: 'application/json',
        'Mcp-Session-Id': session,
      };
      return (await fetch(new URL('/mcp', server.address), { method: 'POST', headers, body })).json();
    };
    const refused = { id: 1, error: { message: expect.stringContaining('use a new id') as string } };
    expect(await send(`[${call},${call}]`)).toMatchObject([refused, refused]);
    for (let time = 0; time < 2; time++) expect(await send(call)).toMatchObject({ id: 1, result: {} });
  });

  test('says what to accept, and what is wrong with a notification', async () => {
    const refusals = [await post(call, 'text/html'), await post('{"jsonrpc":"2.0","method":"a","params":5}')];
    expect(refusals.map(({ status }) => status)).toEqual([406, 400]);
    const [type, form] = await Promise.all(refusals.map((response) => response.json()));
    const words = 'Invalid message: answers are application/json or text/event-stream; accept one.';
    expect(type).toMatchObject({ id: null, error: { message: words } });
    expect(form).toMatchObject({
      id: null,
      error: { message: expect.stringContaining('notification') as string },
    });
  });

  test('still refuses what cannot be read', async () => {
    expect((await post(call, 'image/png')).status).toBe(406);
    const listen = '{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{}}';
    expect((await post(listen, 'application/json')).status).toBe(406);
  });

  test('answers over the older transport with events, whatever was posted', async () => {
    const stream = await fetch(new URL('/sse', server.address), { headers: { Accept: 'text/event-stream' } });
    const blocks = (stream.body ?? new ReadableStream<Uint8Array>())
      .pipeThrough(new TextDecoderStream())
      .getReader();
    let text = '';
    const until = async (pattern: RegExp): Promise<string> => {
      for (;;) {
        const [match] = pattern.exec(text) ?? [];
        if (match !== undefined) return match;
        text += (await blocks.read()).value ?? '';
      }
    };
    const path = (await until(/\/messages\?sessionId=[\w-]+/)).trim();
    for (const [name, body, id] of requests.filter(([, , own]) => typeof own === 'number')) {
      await (await post(body, 'application/json', path)).text();
      expect(await until(new RegExp(`"id":${String(id)}[,}]`)), name).toBeDefined();
    }
    await blocks.cancel();
  });
});
