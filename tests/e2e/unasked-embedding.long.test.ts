import { createServer, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startEmbeddingServer } from '../helpers/embedding-server.ts';
import { RawServer } from '../helpers/mcp/raw-server.ts';
import { temporaryFolder, WITH_MODEL } from '../helpers/mcp/server-environment.ts';
import { type ProgramRun, runProgram } from '../helpers/run-program.ts';

/** Three commands end well before this, whatever the endpoint does. */
const COMMANDS_LIMIT_MS = 180_000;

function endpoint(url: string): Record<string, string> {
  return { MEMORY_EMBEDDING_PROVIDER: 'openai', MEMORY_EMBEDDING_BASE_URL: url };
}

async function listen(server: Server): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  // A TCP server that listens has an address of this kind.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

const answering = (status: number) => () =>
  listen(createServer((_, response) => response.writeHead(status, { 'retry-after': '30' }).end('{}')));

/** A port of this machine that nobody listens at. */
async function refusingUrl(): Promise<string> {
  const server = createTcpServer();
  const url = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return url;
}

const inLine = (url: string): string => url.replace(/[.?]/g, '\\$&');

const brokenEndpoints: readonly (readonly [name: string, start: () => Promise<string>, problem: string])[] = [
  ['refuses connections', refusingUrl, 'cannot be reached \\(connect ECONNREFUSED'],
  [
    'has no address',
    () => Promise.resolve('http://no-such-host.invalid/v1'),
    'cannot be reached \\(getaddrinfo',
  ],
  ['answers 429', answering(429), 'answered 429 \\(rate limit\\)'],
  ['answers 500', answering(500), 'answered 500'],
  [
    'cuts its answers',
    () =>
      listen(
        createTcpServer((socket) =>
          socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"data":[')),
        ),
      ),
    'cannot be reached \\(other side closed\\)',
  ],
  ['never answers', () => listen(createTcpServer(() => undefined)), 'did not answer within \\d+ s'],
];

test(
  'a broken endpoint loses no memory, and the command says what is missing and why',
  async () => {
    const runs = brokenEndpoints.map(async ([name, start, problem]) => {
      const dataDir = temporaryFolder();
      const url = await start();
      const env = endpoint(url);
      const added = await runProgram(['add', 'Ada likes tea'], { dataDir, env });
      const found = await runProgram(['search', 'tea'], { dataDir, env });
      const stats = await runProgram(['stats'], { dataDir, env });
      return { name, why: new RegExp(`${inLine(url)}/embeddings.*${problem}`), added, found, stats };
    });
    for (const { name, why, added, found, stats } of await Promise.all(runs)) {
      expect({ name, codes: [added.code, found.code, stats.code] }).toEqual({ name, codes: [0, 0, 0] });
      expect(added.stdout).toMatch(/^Stored .*1 memory has no embedding yet, because .*a running server/s);
      expect(found.stdout).toMatch(/Ada likes tea.*by words only/s);
      expect(stats.stdout).toContain('1 of 1 memories have none yet');
      for (const { stdout } of [added, found, stats]) expect(stdout).toMatch(why);
    }
  },
  COMMANDS_LIMIT_MS,
);

test('a process that ends with work undone says so and fails', async () => {
  const dataDir = temporaryFolder();
  const preload = join(dataDir, 'lost-answers.mjs');
  // Writes whose end is never reported: the command waits for it, and nothing keeps the process alive.
  writeFileSync(preload, 'process.stdout.write = () => true;');
  for (const command of ['list', 'stats', 'config']) {
    const { code, stderr } = await runProgram([command], {
      dataDir,
      env: { NODE_OPTIONS: `--import=${preload}` },
    });
    expect(code).toBe(1);
    expect(stderr).toContain(`Error: "${command}" ended with work undone`);
  }
});

test('a server that nothing keeps alive says so and fails', async () => {
  const dataDir = temporaryFolder();
  const preload = join(dataDir, 'lets-go.mjs');
  writeFileSync(
    preload,
    `import { Server } from 'node:net';
     const { listen } = Server.prototype;
     Server.prototype.listen = function (...given) { return listen.apply(this, given).unref(); };
     process.stdin.unref();
     process.stdin.ref = () => process.stdin;`,
  );
  const env = { NODE_OPTIONS: `--import=${preload}` };
  // Its input stays open: a server has no other reason to end.
  const server = new RawServer(dataDir, env);
  expect(await server.exited).toEqual({ code: 1, signal: null });
  const http = await runProgram(['serve', '--http', '--port', '0'], { dataDir, env });
  expect(http.code).toBe(1);
  for (const { stderr } of [server, http])
    expect(stderr).toMatch(/Error: "serve[^"]*" ended with work undone/);
});

test('reembed removes the embeddings of other models when all memories have new ones, and only then', async () => {
  const dataDir = temporaryFolder();
  const embedding = await startEmbeddingServer();
  onTestFinished(() => embedding.close());
  const run = (model: string, ...args: string[]): Promise<ProgramRun> =>
    runProgram(args, { dataDir, env: { ...endpoint(embedding.url), MEMORY_EMBEDDING_MODEL: model } });
  const otherModels = async (): Promise<string | undefined> => {
    const { findings } = JSON.parse((await run('new', 'doctor', '--json')).stdout) as {
      findings: { check: string; message: string }[];
    };
    return findings.find(({ check }) => check === 'other models')?.message;
  };
  await run('old', 'add', 'Ada likes tea');
  await run('old', 'add', 'Bob likes milk');
  expect(await otherModels()).toContain('openai:old (2)');
  embedding.script.push(
    ...Array.from({ length: 9 }, () => (response: ServerResponse) => {
      response.writeHead(401).end();
    }),
  );
  expect((await run('new', 'reembed', '--drop-others')).code).toBe(5);
  embedding.script.length = 0;
  expect(await otherModels()).toContain('openai:old (2)');
  expect(await run('new', 'reembed', '--drop-others')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^2 memories embedded, 0 left .*removed from 2 memories\.\n$/) as string,
  });
  expect(await otherModels()).toBeUndefined();
}, 60_000);

test('a server that nobody calls embeds the backlog, and what other processes add later', async () => {
  const dataDir = temporaryFolder();
  const embedding = await startEmbeddingServer();
  onTestFinished(() => embedding.close());
  const lines = Array.from({ length: 30 }, (_, index) => `{"text":"fact number ${index}"}`).join('\n');
  await runProgram(['import', '-'], { dataDir, input: lines });
  expect(embedding.requests).toHaveLength(0);
  const server = new RawServer(dataDir, endpoint(embedding.url));
  await server.initialize();
  const embedded = async (total: number): Promise<void> => {
    await vi.waitFor(
      async () => {
        const { stdout } = await runProgram(['stats', '--json'], { dataDir, env: endpoint(embedding.url) });
        const { embedding: state } = JSON.parse(stdout) as { embedding: object };
        expect(state).toMatchObject({ pending: 0, done: total, total });
      },
      { timeout: 90_000, interval: 500 },
    );
  };
  await embedded(30);
  await runProgram(['add', 'one more, by another process without a model'], { dataDir });
  await embedded(31);
}, 200_000);

test('a server that nobody calls, with nothing to embed, asks for no embedding', async () => {
  const dataDir = temporaryFolder();
  const embedding = await startEmbeddingServer();
  onTestFinished(() => embedding.close());
  const server = new RawServer(dataDir, endpoint(embedding.url));
  await server.initialize();
  const { data } = await server.call('memory_list', {});
  expect(data).toMatchObject({ total: 0 });
  // The background looks a second after the services were opened; the store answers in order.
  await vi.waitFor(() => {
    expect(readdirSync(join(dataDir, 'memories'))).toContain('memory.sqlite');
  });
  expect(embedding.requests).toHaveLength(0);
});

test('leaving while the native runtime loads aborts nothing', async () => {
  const env = { ...WITH_MODEL, MEMORY_EMBEDDING_RUNTIME: 'native' };
  const leaveAfter = async (milliseconds: number): Promise<unknown> => {
    const server = new RawServer(temporaryFolder(), env);
    await server.initialize();
    await server.call('memory_add', { text: 'Ada likes tea' });
    setTimeout(() => server.child.stdin.end(), milliseconds);
    return server.exited;
  };
  const moments = Array.from({ length: 16 }, (_, index) => index * 60);
  for (let first = 0; first < moments.length; first += 4) {
    const exits = await Promise.all(moments.slice(first, first + 4).map(leaveAfter));
    for (const exit of exits) expect(exit).not.toMatchObject({ signal: 'SIGABRT' });
  }
}, 120_000);
