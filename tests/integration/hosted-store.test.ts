import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { openDatabase } from '../../src/store/sqlite/engine.ts';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { NotFoundError } from '../../src/errors/input-errors.ts';
import { StoreUnavailableError } from '../../src/errors/store-errors.ts';
import { startWorkerMemoryStore, startWorkerStore } from '../../src/store/worker/client.ts';
import type { MemoryStore } from '../../src/store/memory-store.ts';
import { packagePath } from '../../src/util/package.ts';
import { WorkerClient } from '../../src/util/worker-client.ts';
import { bundleProgram } from '../helpers/bundle.ts';
import { draft } from '../helpers/drafts.ts';
import { databasePath, temporaryFolder } from '../helpers/sqlite-store.ts';
import type { StoreLife } from '../helpers/store-life.ts';
import { encodeVector, unitVector } from '../helpers/vectors.ts';

const STAMP = { modelId: 'test', dimension: 8, weightsHash: '' };

function hosted(dataDir: string): MemoryStore {
  const store = startWorkerMemoryStore({ dataDir });
  onTestFinished(() => store.close());
  return store;
}

describe('a hosted store', () => {
  test('searches with the vector index that the package brings', async () => {
    const store = hosted(temporaryFolder());
    await store.add([draft('one'), draft('two'), draft('three')]);
    const pending = await store.claimPendingEmbeddings({ modelId: STAMP, limit: 9, leaseMs: 0 });
    const writes = pending.map(({ versionKey }, axis) => ({
      versionKey,
      chunks: [{ start: 0, end: 3, vector: encodeVector(unitVector(8, axis)) }],
    }));
    await store.putEmbeddings(STAMP, writes);
    const vector = { modelId: STAMP, vector: unitVector(8, 1) };
    const { vectors } = await store.candidates({ filter: {}, limit: 2, vector });
    expect(vectors[0]).toMatchObject({ id: pending[1]?.id, start: 0, end: 3 });
    expect(vectors[0]?.score).toBeCloseTo(1, 2);
    expect((await store.checkIntegrity(STAMP)).problems).toEqual([]);
  });

  test('starts its thread before the first call when it is asked to, and opens no file', async () => {
    const folder = temporaryFolder();
    const { memory, start } = startWorkerStore({ dataDir: folder });
    onTestFinished(() => memory.close());
    const started = once(process, 'worker') as Promise<[Worker]>;
    start();
    const [thread] = await started;
    // It says that it is loaded.
    await once(thread, 'message');
    expect(readdirSync(folder)).toEqual([]);
    const messages = once(thread, 'message');
    await memory.add([draft('a')]);
    expect(await messages).toMatchObject([{ value: [{ outcome: 'added' }] }]);
  });

  test('ends the thread for searches when it is told to and nothing runs, and starts it again for the next one', async () => {
    const { memory, restSearches } = startWorkerStore({ dataDir: temporaryFolder() });
    onTestFinished(() => memory.close());
    await memory.add([draft('a')]);
    const find = async (): Promise<number> =>
      (await memory.candidates({ filter: {}, limit: 9, words: 'a' })).words.length;
    restSearches();
    for (let round = 0; round < 3; round += 1) {
      const started = once(process, 'worker') as Promise<[Worker]>;
      const found = find();
      const [thread] = await started;
      // It is awaited, so it goes on.
      restSearches();
      expect([await found, await find()]).toEqual([1, 1]);
      const ended = once(thread, 'exit');
      restSearches();
      expect(await ended).toEqual([0]);
    }
    restSearches();
    expect((await memory.stats()).live).toBe(1);
  });

  test('answers searches while a long write runs, and finds what was acknowledged', async () => {
    const store = hosted(temporaryFolder());
    const find = async (words: string) =>
      (await store.candidates({ filter: {}, limit: 9, words })).words.length;
    await store.add([draft('first')]);
    expect(await find('first')).toBe(1);
    let written = false;
    const drafts = Array.from({ length: 4_000 }, (_, index) => draft(`imported number${index}`));
    const importing = store.import(drafts).then(() => (written = true));
    expect([await find('first'), written]).toEqual([1, false]);
    await importing;
    expect(await find('number3999')).toBe(1);
  });

  test('gives errors back as instances of their classes', async () => {
    const store = hosted(temporaryFolder());
    const failure = store.delete(['01890000-0000-7000-8000-000000000000']);
    await expect(failure).rejects.toThrow(NotFoundError);
    await expect(failure).rejects.toMatchObject({ ids: ['01890000-0000-7000-8000-000000000000'] });
  });

  test('rejects what no message can carry, and goes on', async () => {
    const store = hosted(temporaryFolder());
    const metadata = { f: () => 1 } as unknown as Record<string, string>;
    await expect(store.add([draft('a', { metadata })])).rejects.toThrow(/could not be cloned/);
    await store.add([draft('b')]);
    expect((await store.stats()).live).toBe(1);
  });

  test('keeps the event loop free while it waits for a lock', async () => {
    const folder = temporaryFolder();
    const store = hosted(folder);
    await store.add([draft('first')]);
    const other = openDatabase(databasePath(folder));
    other.exec('BEGIN IMMEDIATE');
    let done = false;
    const waiting = store.add([draft('second')]).then(() => (done = true));
    expect((await store.stats()).live).toBe(1);
    expect(done).toBe(false);
    other.exec('COMMIT');
    other.close();
    await waiting;
  });

  test('leaves only the database file when it is closed', async () => {
    const folder = temporaryFolder();
    const store = startWorkerMemoryStore({ dataDir: folder });
    await store.add([draft('a')]);
    await store.close();
    expect(readdirSync(folder)).toEqual(['memory.sqlite']);
  });
});

describe('the worker thread of a store', () => {
  test('rejects its calls when it dies; what it had acknowledged is there', async () => {
    const folder = temporaryFolder();
    let ended = 0;
    const host = new WorkerClient({
      program: packagePath('dist/store/worker/server.js'),
      data: { dataDir: folder },
      onEnd: () => (ended += 1),
      toError: (reason) => new StoreUnavailableError(reason),
    });
    await host.call('add', [[draft('acknowledged')], {}]);
    const pending = Array.from({ length: 5 }, (_, index) =>
      host.call('add', [[draft(`pending ${index}`)], {}]),
    );
    const outcomes = Promise.allSettled(pending);
    await host.terminate();
    const reasons = (await outcomes).flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
    );
    expect(reasons.length).toBeGreaterThan(0);
    for (const reason of reasons) expect(reason).toBeInstanceOf(StoreUnavailableError);
    expect(ended).toBe(1);
    const store = hosted(folder);
    expect((await store.candidates({ filter: {}, limit: 9, words: 'acknowledged' })).words).toHaveLength(1);
    expect((await store.checkIntegrity()).problems).toEqual([]);
  });

  test('goes on when the reason of an error is gone', async () => {
    const folder = temporaryFolder();
    mkdirSync(databasePath(folder));
    const store = hosted(folder);
    await expect(store.stats()).rejects.toThrow(StoreUnavailableError);
    rmdirSync(databasePath(folder));
    expect((await store.stats()).live).toBe(0);
  });
});

describe('a process with a hosted store', () => {
  let program: string;

  beforeAll(async () => {
    program = await bundleProgram('helpers/store-life.ts');
  });

  function live(how: StoreLife): { status: number | null; stdout: string; stderr: string } {
    const dataDir = join(temporaryFolder(), 'data');
    return spawnSync(process.execPath, [program, dataDir, how], { encoding: 'utf8', timeout: 60_000 });
  }

  test('ends by itself although the store was not closed', () => {
    expect(live('leave open')).toMatchObject({ status: 0, stdout: 'added 1\n' });
  });

  test('stays alive until its calls are answered', () => {
    expect(live('do not await')).toMatchObject({ status: 0, stdout: 'added 1\n' });
  });

  test('keeps its standard output to itself', () => {
    const { status, stdout, stderr } = live('print in the worker');
    expect(status).toBe(0);
    expect(stdout).toBe('added 1\n');
    expect(stderr).toContain('printed in the worker');
  });

  test('goes on with a new thread after the old one died', () => {
    expect(live('kill the worker')).toMatchObject({ status: 0, stdout: 'StoreUnavailableError\nadded 1\n' });
  });
});
