import type { StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { BackupApi } from '../../src/backup/backup-api.ts';
import { SyncOffError } from '../../src/errors/remote-errors.ts';
import { startHttpServer } from '../../src/http/http-server.ts';
import type { HttpSettings } from '../../src/http/http-environment.ts';
import { createLogger } from '../../src/logger.ts';
import { fakeServices, snapshot } from '../helpers/fake-services.ts';
import type { ConnectedClient } from '../helpers/mcp/clients.ts';
import { httpClientKinds } from '../helpers/mcp/http-clients.ts';

const SETTINGS: HttpSettings = {
  host: '127.0.0.1',
  port: 0,
  token: undefined,
  readToken: undefined,
  allowedHosts: [],
  allowedOrigins: [],
  tls: undefined,
  bodyLimit: 1_024 ** 2,
  rateLimit: 0,
  concurrency: 0,
  queue: 0,
};

const LONGER_THAN_TESTS_MS = 60_000;

interface Served {
  readonly address: string;
  /** Failures. */
  readonly logged: readonly string[];
  readonly stop: (limitMs: number) => Promise<void>;
}

/** A server whose backups are what the test says. */
async function serve(backup: BackupApi['backup']): Promise<Served> {
  const logged: string[] = [];
  const push = (): Promise<never> => Promise.reject(new SyncOffError());
  const services = fakeServices({ backup: { backup }, sync: { push } });
  const server = await startHttpServer({
    open: () => Promise.resolve(services),
    logger: createLogger({ level: 'error', write: (line) => logged.push(line) }),
    settings: SETTINGS,
  });
  onTestFinished(() => server.close(0));
  return { address: server.address, logged, stop: (limitMs) => server.close(limitMs) };
}

describe.each(httpClientKinds)('a long call over HTTP with $name', ({ connect, endsWithConnection }) => {
  test('reports each step while it works, with numbers that rise', async () => {
    const heard: unknown[] = [];
    const reached = new EventTarget();
    const { address } = await serve(async (_, { onProgress } = {}) => {
      for (const step of ['reading', 'writing']) {
        const arrived = new Promise((resolve) => {
          reached.addEventListener(step, resolve, { once: true });
        });
        onProgress?.({ step, done: 0 });
        await arrived;
      }
      return { outcome: 'written', snapshot: snapshot(), bytesWritten: 10 };
    });
    const { call } = await connect(address);
    const onprogress = ({
      progress,
      message = '',
    }: {
      progress: number;
      message?: string | undefined;
    }): void => {
      heard.push([progress, message]);
      reached.dispatchEvent(new Event(message.replace(/:.*/, '')));
    };
    expect(await call('sync_upload', {}, { onprogress })).toMatchObject({ data: { uploaded: false } });
    expect(heard).toEqual([
      [1, 'reading: 0'],
      [2, 'writing: 0'],
    ]);
  });

  test('is stopped when the client cancels it, which is no failure', async () => {
    const work = endlessWork();
    const { address, logged, stop } = await serve(work.backup);
    const { client, call } = await connect(address);
    const cancel = new AbortController();
    const cancelled = expect(call('sync_upload', {}, { signal: cancel.signal })).rejects.toThrow();
    await work.begun;
    cancel.abort();
    await cancelled;
    await work.stopped;
    expect((await client.listPrompts()).prompts).toHaveLength(2);
    expect(logged).toEqual([]);
    // Nobody waits for its answer any more: the server ends at once.
    await stop(LONGER_THAN_TESTS_MS);
  });

  test('is stopped when the client is gone, which is no failure', async () => {
    const work = endlessWork();
    const { address, logged } = await serve(work.backup);
    const { client, call } = await connect(address);
    const cut = expect(call('sync_upload')).rejects.toThrow();
    await work.begun;
    if (!endsWithConnection) await endSession(client);
    await client.close();
    await cut;
    await work.stopped;
    expect(logged).toEqual([]);
  });

  test('is finished before the server ends, and answered', async () => {
    const work = heldWork();
    const { address, stop } = await serve(work.backup);
    const { call } = await connect(address);
    const answer = call('sync_upload');
    await work.begun;
    const stopped = stop(30_000);
    work.release();
    expect(await answer).toMatchObject({ isError: false, data: { uploaded: false } });
    await stopped;
    await expect(call('sync_upload')).rejects.toThrow();
  });

  test('is given up when it takes longer than the server has', async () => {
    const work = endlessWork();
    const { address, logged, stop } = await serve(work.backup);
    const { client, call } = await connect(address);
    const cut = expect(call('sync_upload')).rejects.toThrow();
    await work.begun;
    await stop(0);
    await work.stopped;
    await client.close();
    await cut;
    expect(logged).toEqual([]);
  });
});

/** A backup that ends when the test lets it. */
function heldWork(): { backup: BackupApi['backup']; begun: Promise<void>; release(): void } {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const backup: BackupApi['backup'] = async (_, { signal } = {}) => {
    begin();
    await released;
    signal?.throwIfAborted();
    return { outcome: 'written', snapshot: snapshot(), bytesWritten: 10 };
  };
  return { backup, begun, release };
}

/** A backup that ends only when it is stopped. */
function endlessWork(): { backup: BackupApi['backup']; begun: Promise<void>; stopped: Promise<void> } {
  const events = new EventTarget();
  const next = (name: string): Promise<void> =>
    new Promise((resolve) => {
      events.addEventListener(name, () => {
        resolve();
      });
    });
  const backup: BackupApi['backup'] = (_, { signal } = {}) =>
    new Promise((_resolve, reject) => {
      signal?.addEventListener('abort', () => {
        events.dispatchEvent(new Event('stopped'));
        reject(new Error('aborted'));
      });
      events.dispatchEvent(new Event('begun'));
    });
  return { backup, begun: next('begun'), stopped: next('stopped') };
}

async function endSession({ transport }: ConnectedClient['client']): Promise<void> {
  if (transport === undefined || !('terminateSession' in transport)) throw new Error('this is no session');
  await (transport as StreamableHTTPClientTransport).terminateSession();
}
