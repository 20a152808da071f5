import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type {
  EmbeddedChunk,
  EmbeddedQuery,
  EmbeddingModelId,
  Urgency,
} from '../../src/embedding/embedder.ts';
import { FakeEmbedder } from '../../src/embedding/fake-embedder.ts';
import { encodeFrame, FrameReader, LONGEST_ANSWER } from '../../src/embedding/shared/frames.ts';
import { findMeetingPlace } from '../../src/embedding/shared/meeting-place.ts';
import { SharedEmbedder } from '../../src/embedding/shared/shared-embedder.ts';
import { EmbeddingRejectedError, EmbeddingUnavailableError } from '../../src/errors/embedding-errors.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';

/** Answers a passage only when it is told to. */
class SlowEmbedder extends FakeEmbedder {
  tokenSpace: string | undefined;
  release: () => void = () => undefined;
  readonly aborted: unknown[] = [];

  async embedQueryTokens(text: string): Promise<EmbeddedQuery> {
    const vector = await this.embedQuery(text);
    const tokens = { pieces: Int32Array.of(7, -1), dimension: 2, vectors: Float32Array.of(1, 0, 0, 1) };
    return { vector, tokens };
  }

  override async embedPassage(
    text: string,
    signal?: AbortSignal,
    urgency?: Urgency,
  ): Promise<EmbeddedChunk[]> {
    this.calls.push(`${urgency ?? 'passage'}: ${text}`);
    await new Promise<void>((resolve, reject) => {
      this.release = resolve;
      signal?.addEventListener('abort', () => {
        this.aborted.push(signal.reason);
        reject(signal.reason as Error);
      });
    });
    return [{ start: 0, end: text.length, vector: new Float32Array(64) }];
  }
}

interface Process {
  readonly shared: SharedEmbedder;
  readonly own: SlowEmbedder;
  readonly changeReady: (ready: boolean) => void;
}

/** What a process of the data folder has; in this process, because the socket does not know. */
function process(dataDir: string, modelId: Partial<EmbeddingModelId> = {}): Process {
  const own = new SlowEmbedder(modelId);
  let tell: () => void = () => undefined;
  const shared = new SharedEmbedder({
    dataDir,
    createOwn: (onReadyChange) => {
      tell = onReadyChange;
      return own;
    },
  });
  onTestFinished(() => shared.close());
  const changeReady = (ready: boolean): void => {
    own.ready = ready;
    tell();
  };
  return { shared, own, changeReady };
}

async function host(dataDir: string): Promise<Process> {
  const first = process(dataDir);
  await first.shared.warmUp();
  expect(first.shared.describe()).toMatchObject({ servedBy: 'this process' });
  return first;
}

/** A connection of a program that does not keep to the protocol. */
async function intruder(dataDir: string): Promise<Socket> {
  const socket = connect(join(dataDir, 'run', 'model.sock'));
  onTestFinished(() => {
    socket.destroy();
  });
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

function ended(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.once('close', resolve));
}

const HELLO = encodeFrame({ type: 'hello', protocol: 1, nonce: 'n' }, 1_000);

describe('the processes of one data folder', () => {
  test('use one model, whose vectors arrive as they are', async () => {
    const folder = temporaryFolder();
    const first = await host(folder);
    const others = [process(folder), process(folder), process(folder)];
    const [vector] = await Promise.all(others.map(({ shared }) => shared.embedQuery('tea')));
    expect(vector).toEqual(await new FakeEmbedder().embedQuery('tea'));
    expect(others.flatMap(({ own }) => own.calls)).toEqual([]);
    expect(first.own.calls.filter((call) => call === 'query: tea')).toHaveLength(3);
    expect(first.shared.describe()).toMatchObject({ provider: 'fake', otherProcesses: 3 });
    expect(others[0]?.shared.describe()).toEqual({
      provider: 'fake',
      servedBy: `process ${globalThis.process.pid}`,
    });
  });

  test('share token vectors when both give the same kind, and no model when they do not', async () => {
    const folder = temporaryFolder();
    const [first, second, third] = [process(folder), process(folder), process(folder)];
    first.own.tokenSpace = second.own.tokenSpace = 'pca';
    await first.shared.warmUp();
    expect(await second.shared.embedQueryTokens('tea')).toEqual(
      await new SlowEmbedder().embedQueryTokens('tea'),
    );
    await third.shared.embedQuery('milk');
    expect([first, second, third].map(({ own }) => own.calls)).toEqual([
      ['warm-up', 'query: tea'],
      [],
      ['query: milk'],
    ]);
  });

  test('elect one of them when all begin at once', async () => {
    for (let round = 0; round < 20; round += 1) {
      const folder = temporaryFolder();
      const all = Array.from({ length: 8 }, () => process(folder));
      await Promise.all(all.map(({ shared }) => shared.embedQuery('tea')));
      expect(all.filter(({ own }) => own.calls.length > 0)).toHaveLength(1);
    }
  });

  test('know whether the model is loaded', async () => {
    const folder = temporaryFolder();
    const first = await host(folder);
    const second = process(folder);
    expect(second.shared.ready).toBe(true);
    await second.shared.warmUp();
    first.changeReady(false);
    await expect.poll(() => second.shared.ready).toBe(false);
    first.changeReady(true);
    await expect.poll(() => second.shared.ready).toBe(true);
  });

  test('are named to a process that only asks for the identity of the model, which makes nothing', async () => {
    const folder = temporaryFolder();
    await process(folder).shared.modelId();
    expect(readdirSync(folder)).toEqual([]);
    await host(folder);
    const second = process(folder);
    await second.shared.modelId();
    expect(second.shared.describe()).toHaveProperty('servedBy');
  });

  test('repeat a call elsewhere when the one with the model ends during it', async () => {
    const folder = temporaryFolder();
    const first = await host(folder);
    const [second, third] = [process(folder), process(folder)];
    await Promise.all([second.shared.warmUp(), third.shared.warmUp()]);
    const waiting = second.shared.embedPassage('a fact');
    await expect.poll(() => first.own.calls).toContain('passage: a fact');
    await first.shared.close();
    const next = await Promise.race(
      [second, third].map(async (one) => {
        await expect.poll(() => one.own.calls).toContain('passage: a fact');
        return one;
      }),
    );
    next.own.release();
    expect(await waiting).toHaveLength(1);
    await third.shared.embedQuery('tea');
    expect([second, third].filter(({ own }) => own.calls.includes('query: tea'))).toEqual([next]);
  });

  test('take over the address of a process that died, one of them', async () => {
    for (let round = 0; round < 20; round += 1) {
      const folder = temporaryFolder();
      await leaveDeadSocket(folder);
      const all = Array.from({ length: 8 }, () => process(folder));
      await Promise.all(all.map(({ shared }) => shared.embedQuery('tea')));
      expect(all.filter(({ own }) => own.calls.length > 0)).toHaveLength(1);
      expect(readdirSync(join(folder, 'run')).sort()).toEqual(['key', 'model.sock']);
    }
  });

  test('cancel a call in the process that has the model', async () => {
    const folder = temporaryFolder();
    const first = await host(folder);
    const second = process(folder);
    const controller = new AbortController();
    const waiting = second.shared.embedPassage('a fact', controller.signal);
    await expect.poll(() => first.own.calls).toContain('passage: a fact');
    controller.abort(new Error('no longer wanted'));
    await expect(waiting).rejects.toThrow('no longer wanted');
    await expect.poll(() => first.own.aborted).toHaveLength(1);
    expect(second.own.calls).toEqual([]);
  });

  test('answer a query while a passage of the same process runs', async () => {
    const folder = temporaryFolder();
    const first = await host(folder);
    const second = process(folder);
    const waiting = second.shared.embedPassage('a fact');
    await expect.poll(() => first.own.calls).toContain('passage: a fact');
    expect(await second.shared.embedQuery('tea')).toHaveLength(64);
    first.own.release();
    await waiting;
  });

  test('embed a text that a user waits for while a background text of the same process runs', async () => {
    const folder = temporaryFolder();
    const first = await host(folder);
    const second = process(folder);
    const background = second.shared.embedPassage('an old fact', undefined, 'background');
    await expect.poll(() => first.own.calls).toContain('background: an old fact');
    const { release } = first.own;
    const waiting = second.shared.embedPassage('a new fact');
    await expect.poll(() => first.own.calls).toContain('passage: a new fact');
    first.own.release();
    await waiting;
    release();
    await background;
  });

  test('leave nothing but the key', async () => {
    const folder = temporaryFolder();
    const first = await host(folder);
    await first.shared.close();
    expect(readdirSync(join(folder, 'run'))).toEqual(['key']);
    await expect(first.shared.embedQuery('tea')).resolves.toBeDefined();
    expect(readdirSync(join(folder, 'run'))).toEqual(['key']);
  });
});

/** Leaves the socket of a process that was killed. */
async function leaveDeadSocket(dataDir: string): Promise<void> {
  const place = await findMeetingPlace(dataDir, { make: true });
  const path = place?.address ?? '';
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(`${path}.sock`, resolve));
  linkSync(`${path}.sock`, path);
  await new Promise((resolve) => server.close(resolve));
  expect(existsSync(path)).toBe(true);
}

describe('a process has its own model', () => {
  async function usesOwn(dataDir: string, modelId: Partial<EmbeddingModelId> = {}): Promise<void> {
    const { shared, own } = process(dataDir, modelId);
    expect(await shared.embedQuery('tea')).toBeDefined();
    expect(own.calls).toEqual(['query: tea']);
  }

  test.each([
    ['name', { modelId: 'other' }],
    ['dimension', { dimension: 32 }],
    ['weights', { weightsHash: 'abc' }],
  ])('when that of the other has another %s', async (_, modelId) => {
    const folder = temporaryFolder();
    const first = await host(folder);
    await usesOwn(folder, modelId);
    expect(first.own.calls).toEqual(['warm-up']);
  });

  test('when others may enter the folder of the socket, or it is a link', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'run'));
    chmodSync(join(folder, 'run'), 0o755);
    await usesOwn(folder);
    expect(readdirSync(join(folder, 'run'))).toEqual([]);
    rmSync(join(folder, 'run'), { recursive: true });
    const elsewhere = temporaryFolder();
    symlinkSync(elsewhere, join(folder, 'run'));
    await usesOwn(folder);
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  test('when there is no data folder yet, which is not made', async () => {
    const folder = join(temporaryFolder(), 'memories');
    await usesOwn(folder);
    expect(existsSync(folder)).toBe(false);
  });

  test('when the model of the other fails', async () => {
    const folder = temporaryFolder();
    const first = await host(folder);
    const second = process(folder);
    first.own.failure = new EmbeddingRejectedError('broken', { fix: 'Repair it.' });
    expect(await second.shared.embedQuery('tea')).toHaveLength(64);
    expect(second.own.calls).toEqual(['query: tea']);
  });

  test('only after a second try when the failure may pass', async () => {
    const folder = temporaryFolder();
    const first = await host(folder);
    const second = process(folder);
    first.own.failure = new EmbeddingUnavailableError('The model was unloaded');
    expect(await second.shared.embedQuery('tea')).toHaveLength(64);
    expect(first.own.calls.filter((call) => call === 'query: tea')).toHaveLength(2);
  });

  test('for a text that is too long for the socket', async () => {
    const folder = temporaryFolder();
    await host(folder);
    const second = process(folder);
    expect(await second.shared.embedQuery('x'.repeat(9 << 20))).toHaveLength(64);
    await second.shared.embedQuery('tea');
    expect(second.own.calls).toHaveLength(1);
  });

  test('when a process that cannot prove that it may read the key has the address', async () => {
    const folder = temporaryFolder();
    const place = await findMeetingPlace(folder, { make: true });
    const heard: unknown[] = [];
    const server = createServer((socket) => {
      const reader = new FrameReader(LONGEST_ANSWER);
      // Whoever does not trust it leaves at once.
      socket.on('error', () => undefined);
      socket.on('data', (piece) => {
        heard.push(...reader.push(piece));
        const identity = JSON.stringify(['fake', 64, '', '']);
        const welcome = { type: 'welcome', protocol: 1, proof: 'f'.repeat(64), identity, processId: 1 };
        socket.write(encodeFrame({ ...welcome, ready: true, facts: {} }, LONGEST_ANSWER));
      });
    });
    await new Promise<void>((resolve) => server.listen(place?.address, resolve));
    onTestFinished(() => {
      server.close();
    });
    await usesOwn(folder);
    expect(JSON.stringify(heard)).not.toContain('tea');
  });
});

describe('the socket', () => {
  test('is for the user alone', async () => {
    const folder = temporaryFolder();
    await host(folder);
    const mode = (name: string): number => statSync(join(folder, 'run', name)).mode & 0o777;
    expect([mode('.'), mode('model.sock'), mode('key')]).toEqual([0o700, 0o600, 0o600]);
  });

  test('is in a private temporary folder when the path of the data folder is too long', async () => {
    const [root, temporary] = [temporaryFolder(), temporaryFolder()];
    const long = join(root, 'd'.repeat(90));
    mkdirSync(long);
    const place = await findMeetingPlace(long, { make: true, temporary });
    expect(place?.address.startsWith(temporary)).toBe(true);
    expect(statSync(place?.folder ?? '').mode & 0o777).toBe(0o700);
    symlinkSync(long, join(root, 'short'));
    expect(await findMeetingPlace(join(root, 'short'), { make: false, temporary })).toEqual(place);
  });

  test('is made again when its folder was removed', async () => {
    const folder = temporaryFolder();
    const first = await host(folder);
    rmSync(join(folder, 'run'), { recursive: true });
    const second = process(folder);
    await second.shared.embedQuery('tea');
    expect(second.own.calls).toEqual(['query: tea']);
    await first.shared.close();
    expect(existsSync(join(folder, 'run', 'model.sock'))).toBe(true);
  });

  test.each([
    ['garbage', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['a frame without an end', Buffer.from([255, 255, 255, 255, 1, 2, 3])],
    [
      'a call before the greeting',
      encodeFrame({ type: 'call', id: 1, method: 'embedQuery', text: 'x' }, 1_000),
    ],
    [
      'an unknown method',
      Buffer.concat([HELLO, encodeFrame({ type: 'call', id: 1, method: 'close', text: '' }, 1_000)]),
    ],
    [
      'a number for a text',
      Buffer.concat([HELLO, encodeFrame({ type: 'call', id: 1, method: 'embedQuery', text: 7 }, 1_000)]),
    ],
  ])('ends a connection that sends %s', async (_, bytes) => {
    const folder = temporaryFolder();
    const first = await host(folder);
    const socket = await intruder(folder);
    const end = ended(socket.resume());
    socket.write(bytes);
    await end;
    expect(first.own.calls).toEqual(['warm-up']);
    expect(await process(folder).shared.embedQuery('tea')).toHaveLength(64);
  });

  test('does not let a connection that asks much and reads nothing keep others waiting', async () => {
    const folder = temporaryFolder();
    const first = await host(folder);
    const socket = await intruder(folder);
    socket.pause();
    socket.write(HELLO);
    for (let id = 1; id <= 100_000; id += 1)
      socket.write(encodeFrame({ type: 'call', id, method: 'embedQuery', text: `q${id}` }, 1_000));
    const second = process(folder);
    for (let round = 0; round < 20; round += 1)
      expect(await second.shared.embedQuery('tea')).toHaveLength(64);
    expect(first.own.calls.length).toBeLessThan(100_000);
    expect(second.own.calls).toEqual([]);
  });
});
