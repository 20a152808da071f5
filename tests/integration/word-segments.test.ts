import { expect, test } from 'vitest';
import { createApp } from '../../src/app/app.ts';
import { Connection } from '../../src/store/sqlite/connection.ts';
import { rebuildWords } from '../../src/store/sqlite/full-text.ts';
import { segmentPages } from '../../src/store/sqlite/word-segments.ts';
import { settingsIn } from '../helpers/settings.ts';
import { databasePath, openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';

function withFile<Result>(dataDir: string, work: (connection: Connection) => Result): Result {
  const connection = new Connection(databasePath(dataDir));
  try {
    return work(connection);
  } finally {
    connection.close();
  }
}

const segments = (dataDir: string): number[] => withFile(dataDir, segmentPages);

/** Every entry of the full-text index: word, memory, column and place. */
function entries(dataDir: string, { rebuilt = false } = {}): string {
  return withFile(dataDir, (connection) => {
    if (rebuilt)
      connection.transaction('IMMEDIATE', () => {
        rebuildWords(connection);
      });
    connection.exec("CREATE VIRTUAL TABLE temp.entry USING fts5vocab(main, word, 'instance')");
    return JSON.stringify(
      connection.statement('SELECT term, doc, col, "offset" FROM temp.entry ORDER BY 1, 2, 3, 4').all(),
    );
  });
}

const draft = (number: number, words = 20) => ({
  text: Array.from(
    { length: words },
    (_, word) => `w${(number * 7_919 + word * word * 104_729) % 3_001}`,
  ).join(' '),
  tags: [`tag${number % 7}`],
  source: '',
  metadata: {},
});

const drafts = (first: number, count: number, words?: number) =>
  Array.from({ length: count }, (_, index) => draft(first + index, words));

test('after many writes the index of words is merged into one part, with the same entries', async () => {
  const dataDir = temporaryFolder();
  const store = openSqliteStore(dataDir);
  const ids: string[] = [];
  for (let number = 0; number < 75; number += 1) {
    const [outcome] = await store.add([draft(number)]);
    ids.push(outcome?.memory.id ?? '');
  }
  await store.update(ids[3] ?? '', { text: 'something else' });
  await store.delete(ids.slice(10, 15));
  const before = segments(dataDir);
  expect(before.length).toBeGreaterThanOrEqual(4);
  const { live, trash, clock, contentDigest } = await store.stats();
  await store.mergeWords();
  expect(segments(dataDir)).toHaveLength(1);
  expect(await store.stats()).toMatchObject({ live, trash, clock, contentDigest });
  const merged = entries(dataDir);
  expect(merged).toEqual(entries(dataDir, { rebuilt: true }));
});

test('a merge of a larger index takes several steps, between which a write has its turn', async () => {
  const dataDir = temporaryFolder();
  const store = openSqliteStore(dataDir);
  for (let part = 0; part < 7; part += 1) await store.import(drafts(part * 450, 450, 120));
  expect(segments(dataDir).length).toBeGreaterThanOrEqual(3);
  const order: string[] = [];
  const merge = store.mergeWords().then(() => order.push('merge'));
  await store.getCurrent([]);
  await store.add([draft(9_000)]);
  order.push('add');
  // The parts are still there, beside the beginning of the merged one and that of the write.
  expect(segments(dataDir).length).toBeGreaterThanOrEqual(4);
  await merge;
  expect(order).toEqual(['add', 'merge']);
  const pages = segments(dataDir);
  // The part of the write is beside the merged one.
  expect(pages.length).toBeLessThanOrEqual(2);
  expect(Math.max(...pages)).toBeGreaterThan(500);
});

test('few or small parts beside a large one stay', async () => {
  const dataDir = temporaryFolder();
  const store = openSqliteStore(dataDir);
  await store.import(drafts(0, 450, 120));
  for (let number = 0; number < 9; number += 1) await store.add([draft(1_000 + number)]);
  const before = segments(dataDir);
  expect(before.length).toBeGreaterThanOrEqual(4);
  await store.mergeWords();
  expect(segments(dataDir)).toEqual(before);
});

test('an import of many memories goes on with the merges that it has made necessary', async () => {
  const [small, large] = [temporaryFolder(), temporaryFolder()];
  for (const [dataDir, size] of [
    [small, 499],
    [large, 500],
  ] as const) {
    const store = openSqliteStore(dataDir);
    for (let part = 0; part < 5; part += 1) await store.import(drafts(part * size, size));
  }
  expect(segments(large).length).toBeLessThan(segments(small).length);
  expect(entries(large)).toEqual(entries(large, { rebuilt: true }));
});

test('an app that tidies its store merges the index', async () => {
  const dataDir = temporaryFolder();
  const app = await createApp(settingsIn(dataDir, { MEMORY_EMBEDDING_PROVIDER: 'none' }));
  for (let number = 0; number < 9; number += 1) await app.store.add([draft(number)]);
  expect(segments(dataDir).length).toBeGreaterThanOrEqual(3);
  await app.tidy();
  expect(segments(dataDir)).toHaveLength(1);
  await app.close();
});
