import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { StoreUnavailableError } from '../../src/errors/store-errors.ts';
import { SharedThreads, startWorkerStore } from '../../src/store/worker/client.ts';
import { draft } from '../helpers/drafts.ts';
import { temporaryFolder } from '../helpers/sqlite-store.ts';

function threads(): SharedThreads {
  const shared = new SharedThreads();
  onTestFinished(() => shared.close());
  return shared;
}

test('stores that share threads have their own memories, and each closes for itself', async () => {
  const shared = threads();
  const [one, two] = [temporaryFolder(), temporaryFolder()].map(
    (dataDir) => startWorkerStore({ dataDir, vectorIndex: 'exact' }, shared).memory,
  );
  if (one === undefined || two === undefined) throw new Error('two stores were made');
  await Promise.all([one.add([draft('apple one')]), two.add([draft('apple two'), draft('pear two')])]);
  const found = await one.candidates({ filter: {}, limit: 9, words: 'apple', contents: true });
  expect(found.memories?.map(({ text }) => text)).toEqual(['apple one']);
  expect((await two.stats()).live).toBe(2);
  await one.close();
  await expect(one.stats()).rejects.toThrow(StoreUnavailableError);
  expect((await two.stats()).live).toBe(2);
  await two.close();
});

test('a store that must exist is not made anew when its folder has moved, also by new threads', async () => {
  const folder = temporaryFolder();
  const dataDir = join(folder, 'here');
  const first = startWorkerStore({ dataDir, vectorIndex: 'exact' }, threads()).memory;
  await first.add([draft('a')]);
  await first.close();
  const settings = { dataDir, vectorIndex: 'exact', mustExist: true } as const;
  const open = startWorkerStore(settings, threads()).memory;
  const late = startWorkerStore(settings, threads()).memory;
  expect((await open.stats()).live).toBe(1);
  renameSync(dataDir, join(folder, 'there'));
  await expect(open.add([draft('b')])).rejects.toThrow(StoreUnavailableError);
  await expect(late.add([draft('b')])).rejects.toThrow(StoreUnavailableError);
  await Promise.all([open.close(), late.close()]);
  const moved = startWorkerStore({ dataDir: join(folder, 'there'), vectorIndex: 'exact' }, threads()).memory;
  expect((await moved.stats()).live).toBe(1);
  await moved.close();
});

test('the short call of a write does not wait for searches that wait, and closing answers all of them', async () => {
  const { memory } = startWorkerStore({ dataDir: temporaryFolder(), vectorIndex: 'exact' }, threads());
  await memory.add(Array.from({ length: 50 }, (_, place) => draft(`apple number ${place}`)));
  const ended: string[] = [];
  const scale = { depth: 50, usualGap: null, trust: 1 };
  const ranking = { scale, preference: { period: undefined, project: null } };
  const search = {
    filter: {},
    limit: 50,
    best: 5,
    words: 'apple number',
    standingsAt: 0,
    neighbours: false,
    ranking,
  };
  const searches = Array.from({ length: 30 }, async () => {
    const { best } = await memory.best(search);
    ended.push('search');
    return best.length;
  });
  const short = memory
    .candidates({ filter: {}, limit: 1, words: 'apple' })
    .then(() => ended.push('candidates'));
  const closed = short.then(() => memory.close());
  expect(await Promise.all(searches)).toEqual(searches.map(() => 5));
  await closed;
  expect(ended.indexOf('candidates')).toBeLessThan(10);
});
