import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '../../src/store/sqlite/engine.ts';
import { DATABASE_NAME } from '../../src/store/memory-store.ts';
import { type Exit, RawServer } from '../helpers/mcp/raw-server.ts';
import {
  PROGRAM,
  serverEnvironment,
  temporaryFolder,
  WITH_MODEL,
} from '../helpers/mcp/server-environment.ts';

/** Clients kill a server that is still there two seconds after they have left. */
const LIMIT_MS = 2_000;
/** A server that does nothing ends as if at once. */
const IDLE_LIMIT_MS = 300;
/** What it takes to start Node on a machine that has nothing else to do, and more. */
const NODE_START_MS = 200;

/**
 * The work must end within the limit, or where the machine is busy, within as many times the limit as starting Node
 * takes longer just then.
 */
async function expectInTime(work: () => Promise<unknown>, limitMs = LIMIT_MS): Promise<void> {
  const reference = durationOf(() => once(spawn(process.execPath, ['-e', '0']), 'close'));
  const [took, slow] = await Promise.all([durationOf(work), reference]);
  expect(took).toBeLessThan(limitMs * Math.max(1, slow / NODE_START_MS));
}

async function durationOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

async function exitWithin(server: RawServer, leave: (server: RawServer) => void): Promise<Exit> {
  await expectInTime(() => {
    leave(server);
    return server.exited;
  });
  return server.exited;
}

const OK = { code: 0, signal: null };

/** Ways a client leaves that the server can see. */
const departures: readonly [string, (server: RawServer) => void][] = [
  ['the end of stdin', ({ child }) => child.stdin.end()],
  ['a destroyed stdin', ({ child }) => child.stdin.destroy()],
  ['SIGTERM', ({ child }) => child.kill('SIGTERM')],
  ['SIGINT', ({ child }) => child.kill('SIGINT')],
  ['SIGHUP', ({ child }) => child.kill('SIGHUP')],
  [
    'a stdout nobody reads any more',
    (server) => {
      server.child.stdout.destroy();
      server.send({ jsonrpc: '2.0', id: 99, method: 'ping' });
    },
  ],
];

describe.each(departures)('at %s', (_, leave) => {
  test('exits with code 0 before any call', async () => {
    const server = new RawServer(temporaryFolder());
    await server.initialize();
    expect(await exitWithin(server, leave)).toEqual(OK);
  });

  test('exits with code 0 with an open store and a model that is loading', async () => {
    const server = new RawServer(temporaryFolder(), WITH_MODEL);
    await server.initialize();
    await server.call('memory_add', { text: 'Ada likes tea' });
    expect(await exitWithin(server, leave)).toEqual(OK);
  });
});

describe('leaving', () => {
  test('by SIGINT takes no time that a person notices when nothing is going on', async () => {
    const server = new RawServer(temporaryFolder());
    await server.initialize();
    await expectInTime(() => {
      server.child.kill('SIGINT');
      return server.exited;
    }, IDLE_LIMIT_MS);
    expect(await server.exited).toEqual(OK);
  });

  test('does not wait for a handshake that never comes', async () => {
    const server = new RawServer(temporaryFolder());
    expect(await exitWithin(server, () => server.child.stdin.end())).toEqual(OK);
  });

  test('is quick with a loaded model and many memories to embed', async () => {
    const server = new RawServer(temporaryFolder(), WITH_MODEL);
    await server.initialize();
    await server.call('memory_search', { query: 'load the model', mode: 'vector' });
    const memories = Array.from({ length: 100 }, (_, index) => ({
      text: `${index} ${'long text '.repeat(300)}`,
    }));
    await server.call('memory_add', { memories });
    expect(await exitWithin(server, () => server.child.stdin.end())).toEqual(OK);
  });

  test('answers the calls that came before the end of stdin', async () => {
    const server = new RawServer(temporaryFolder());
    await server.initialize();
    // The store is open: opening it on a busy machine takes longer than a server may outlive its client.
    await server.call('memory_stats');
    const answers = [
      server.call('memory_add', { text: 'Ada likes tea' }),
      server.call('memory_add', { text: 'Bob likes milk' }),
    ];
    server.child.stdin.end();
    await Promise.all(answers);
    expect(await server.exited).toEqual(OK);
  });

  test('keeps every acknowledged write when a signal comes in between', async () => {
    const folder = temporaryFolder();
    const leaving = new RawServer(folder);
    await leaving.initialize();
    const answers = Array.from({ length: 50 }, (_, index) =>
      leaving.call('memory_add', { text: `fact number ${index}` }),
    );
    const settled = Promise.allSettled(answers);
    await answers[0];
    leaving.child.kill('SIGTERM');
    expect(await leaving.exited).toEqual(OK);
    const acknowledged = (await settled).filter(({ status }) => status === 'fulfilled').length;
    expect(acknowledged).toBeGreaterThan(0);

    const next = new RawServer(folder);
    await next.initialize();
    const { live } = (await next.call('memory_stats')).data as { live: number };
    expect(live).toBeGreaterThanOrEqual(acknowledged);
  });

  test('is not held up by a second signal', async () => {
    const server = new RawServer(temporaryFolder(), WITH_MODEL);
    await server.initialize();
    await server.call('memory_add', { text: 'Ada likes tea' });
    await exitWithin(server, () => {
      server.child.kill('SIGTERM');
      server.child.kill('SIGTERM');
    });
  });

  test('leaves every acknowledged write behind, even when killed', async () => {
    const folder = temporaryFolder();
    const first = new RawServer(folder);
    await first.initialize();
    await first.call('memory_add', { text: 'Ada likes tea' });
    first.child.kill('SIGKILL');
    await first.exited;
    const second = new RawServer(folder);
    await second.initialize();
    expect((await second.call('memory_search', { query: 'tea' })).text).toContain('> Ada likes tea');
  });
});

describe('the death of the parent', () => {
  test('ends the server, though others still hold its pipes open', async () => {
    // `sleep` keeps the server's stdin open, this test its stdout; only their parent, the shell, is killed.
    const script = `(printf '%s\\n' "$REQUEST"; exec sleep 60) | "$NODE" "$PROGRAM"; exit`;
    const shell = spawn('sh', ['-c', script], {
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
      env: {
        ...serverEnvironment(temporaryFolder()),
        REQUEST: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
        NODE: process.execPath,
        PROGRAM,
      },
    });
    onTestFinished(() => {
      if (shell.pid !== undefined) process.kill(-shell.pid, 'SIGKILL');
    });
    await once(shell.stdout, 'data');
    const ended = once(shell.stdout, 'close');
    await expectInTime(() => {
      shell.kill('SIGKILL');
      return ended;
    });
  });
});

describe('a thread that waits for another process', () => {
  test.each(departures.slice(0, 3))(
    'is not cut off in native code at %s, which would abort',
    async (_, leave) => {
      const folder = temporaryFolder();
      const first = new RawServer(folder);
      await first.initialize();
      await first.call('memory_add', { text: 'Ada likes tea' });
      first.child.stdin.end();
      await first.exited;
      const other = openDatabase(join(folder, DATABASE_NAME));
      onTestFinished(() => {
        other.close();
      });
      other.exec('BEGIN IMMEDIATE');
      const server = new RawServer(folder);
      await server.initialize();
      // It waits for the write of the other process.
      server.call('memory_add', { text: 'Ada likes coffee' }).catch(() => undefined);
      await server.call('memory_search', { query: 'tea', mode: 'keyword' });
      leave(server);
      const { signal } = await server.exited;
      expect([null, 'SIGKILL']).toContain(signal);
    },
  );
});
