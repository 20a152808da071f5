import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { BlobSettings } from '../../src/blob/blob-settings.ts';
import type { BlobStore, CreatableBlobStore } from '../../src/blob/blob-store.ts';
import { createBlobStore } from '../../src/blob/create-blob-store.ts';
import { retryingBlobStore } from '../../src/blob/decorators.ts';
import type { BlobStoreReason } from '../../src/errors/remote-errors.ts';
import { bytesOf, errorOf, textOf } from '../helpers/blob-values.ts';
import { startFaultProxy, type Fault, type FaultProxy } from '../helpers/fault-proxy.ts';
import { freePort } from '../helpers/servers/free-port.ts';
import {
  findIfWanted,
  isRequired,
  type RunningServer,
  type TestServer,
} from '../helpers/servers/test-server.ts';

const stored = 'what was stored before the fault, long enough to be cut in half';
const operations = ['put', 'get', 'head', 'list', 'delete'] as const;
type Operation = (typeof operations)[number];

/** Failures of the way, which every operation survives by trying again. */
const passing: readonly Fault[] = [
  { kind: 'reset' },
  { kind: 'lost-answer' },
  { kind: 'stall' },
  { kind: 'stall-body' },
  { kind: 'short-body' },
  { kind: 'extra-bytes' },
  { kind: 'wrong-bytes' },
  { kind: 'status', status: 408 },
  { kind: 'status', status: 429, headers: { 'retry-after': '0' } },
  { kind: 'status', status: 500 },
  { kind: 'status', status: 502 },
  { kind: 'status', status: 503 },
];

/** Answers that trying again does not change. */
const lasting: readonly [number, BlobStoreReason][] = [
  [401, 'bad-credentials'],
  [403, 'access-denied'],
  [412, 'precondition'],
  [501, 'unsupported'],
  [507, 'full'],
];

function call(store: BlobStore, operation: Operation): Promise<unknown> {
  switch (operation) {
    case 'put':
      return store.put('machine/head', bytesOf('new'));
    case 'get':
      return store.get('machine/head').then((blob) => textOf(blob?.bytes));
    case 'head':
      return store.head('machine/head').then((info) => info?.size);
    case 'list':
      return store.list('machine/').then((infos) => infos.map(({ key, size }) => `${key} ${size}`));
    case 'delete':
      return store.delete('machine/head');
  }
}

const rightAnswers: Readonly<Record<Operation, unknown>> = {
  put: expect.objectContaining({ etag: expect.any(String) as string }),
  get: stored,
  head: stored.length,
  list: [`machine/head ${stored.length}`],
  delete: undefined,
};

/** Content of the object after the operation succeeded. */
const leftBehind: Readonly<Record<Operation, string>> = {
  put: 'new',
  get: stored,
  head: stored,
  list: stored,
  delete: 'nothing',
};

/** Points settings of a server at a proxy before it. */
function through(settings: BlobSettings, port: number, timeoutMs: number): BlobSettings {
  if (settings.provider === 'folder') return settings;
  const endpoint = settings.endpoint?.replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${port}`);
  return { ...settings, endpoint, timeoutMs };
}

/** Long enough that a busy machine does not look like a fault, except where silence is the fault. */
function patience(fault: Fault): number {
  return ['stall', 'stall-body'].includes(fault.kind) ? 200 : 20_000;
}

/** Puts a proxy before a real server and harms requests in every way; left out when the server is not there. */
export async function describeFaults(server: TestServer): Promise<void> {
  const program = await findIfWanted(server);
  describe(`faults need ${server.name}, which`, () => {
    test(`is ${program === null ? 'left out, and not required' : 'there'}`, () => {
      expect(program !== null || !isRequired(server)).toBe(true);
    });
  });
  if (program === null) return;
  describe(`faults between the store and ${server.name}`, () => {
    let running: RunningServer;
    let proxy: FaultProxy;
    let direct: CreatableBlobStore;
    let store: CreatableBlobStore;
    const waits: number[] = [];

    beforeAll(async () => {
      running = await server.start(program);
      proxy = await startFaultProxy(running.address);
      direct = await createBlobStore(running.settings('faults'));
      await direct.createBucket();
    });
    afterAll(async () => {
      await direct.close();
      await proxy.close();
      await running.stop();
    });
    beforeEach(async () => {
      proxy.plan(() => undefined);
      waits.length = 0;
      await direct.put('machine/head', bytesOf(stored));
      store = await open();
    });
    afterEach(() => store.close());

    const open = (timeoutMs = 20_000, port = proxy.port) =>
      createBlobStore(through(running.settings('faults'), port, timeoutMs));
    const retrying = (inner: BlobStore = store, attempts = 5) =>
      retryingBlobStore(inner, {
        attempts,
        wait: (milliseconds) => Promise.resolve(waits.push(milliseconds)),
      });

    describe.each(operations)('%s', (operation) => {
      test.each(passing)('gets over $kind $status', async (fault) => {
        const harmed = await open(patience(fault));
        proxy.plan((index) => (index === 0 ? fault : undefined));
        expect(await call(retrying(harmed), operation)).toEqual(rightAnswers[operation]);
        proxy.plan(() => undefined);
        const after = await direct.get('machine/head');
        expect(after === null ? 'nothing' : textOf(after.bytes)).toBe(leftBehind[operation]);
      });

      test.each(passing)('answers rightly or with a typed error while $kind $status lasts', async (fault) => {
        const harmed = await open(patience(fault));
        proxy.plan(() => fault);
        const outcome = await call(retrying(harmed, 2), operation).catch((error: unknown) =>
          errorOf(Promise.reject(error as Error)),
        );
        if (outcome instanceof Error) {
          expect(outcome).toMatchObject({ operation, retryable: true });
          expect(waits).toHaveLength(1);
        } else {
          expect(outcome).toEqual(rightAnswers[operation]);
        }
      });

      test.each(lasting)('takes HTTP %i for final (%s)', async (status, reason) => {
        proxy.plan(() => ({ kind: 'status', status }));
        const error = await errorOf(call(retrying(), operation));
        expect(error).toMatchObject({ reason, operation, status, retryable: false, maybeApplied: false });
        expect(waits).toEqual([]);
      });

      test.each<Fault>([{ kind: 'sign-in-page' }, { kind: 'not-http' }])(
        'does not take $kind for an answer',
        async (fault) => {
          proxy.plan(() => fault);
          const error = await errorOf(call(store, operation));
          expect(error.reason).toBe('protocol');
          expect(error.fix).toBeTruthy();
        },
      );

      test('ends at once when its signal does, though nothing is answered', async () => {
        const reason = new Error('shutting down');
        const controller = new AbortController();
        proxy.plan(() => {
          setImmediate(() => {
            controller.abort(reason);
          });
          return { kind: 'stall' };
        });
        const { signal } = controller;
        const patient = await open(600_000);
        const calls: Record<Operation, () => Promise<unknown>> = {
          put: () => patient.put('machine/head', bytesOf('new'), { signal }),
          get: () => patient.get('machine/head', { signal }),
          head: () => patient.head('machine/head', { signal }),
          list: () => patient.list('', { signal }),
          delete: () => patient.delete('machine/head', { signal }),
        };
        await expect(calls[operation]()).rejects.toBe(reason);
        await patient.close();
      });

      test('names an address where nobody listens', async () => {
        const nobody = await open(20_000, await freePort());
        const error = await errorOf(call(nobody, operation));
        expect(error).toMatchObject({ reason: 'unreachable', retryable: true, maybeApplied: false });
        await nobody.close();
      });
    });

    test.each(['get', 'list'] as const)(
      '%s notices at once that the answer was cut off',
      async (operation) => {
        const patient = await open(600_000);
        proxy.plan(() => ({ kind: 'short-body' }));
        expect(await errorOf(call(patient, operation))).toMatchObject({ operation, retryable: true });
        await patient.close();
      },
    );

    test('knows that a put whose answer was lost may have happened', async () => {
      proxy.plan(() => ({ kind: 'lost-answer' }));
      const error = await errorOf(store.put('machine/head', bytesOf('new')));
      expect(error).toMatchObject({ retryable: true, maybeApplied: true });
      expect(textOf((await direct.get('machine/head'))?.bytes)).toBe('new');
    });

    test('does not repeat a conditional put that may have happened', async () => {
      proxy.plan((index) => (index === 0 ? { kind: 'lost-answer' } : undefined));
      const error = await errorOf(retrying().put('once', bytesOf('1'), { onlyIf: 'absent' }));
      expect(error).toMatchObject({ maybeApplied: true });
      expect(waits).toEqual([]);
      await direct.delete('once');
    });

    test('waits as long as the store asks', async () => {
      proxy.plan((index) =>
        index === 0 ? { kind: 'status', status: 503, headers: { 'retry-after': '17' } } : undefined,
      );
      await retrying().head('machine/head');
      expect(waits).toEqual([17_000]);
    });

    test('passes on an error whose wait would be too long', async () => {
      proxy.plan(() => ({ kind: 'status', status: 503, headers: { 'retry-after': '3600' } }));
      const error = await errorOf(retrying().head('machine/head'));
      expect(error).toMatchObject({ retryable: true, retryAfterMs: 3_600_000 });
      expect(waits).toEqual([]);
    });
  });
}
