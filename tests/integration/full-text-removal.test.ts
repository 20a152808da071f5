import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Connection } from '../../src/store/sqlite/connection.ts';
import { rebuildWords } from '../../src/store/sqlite/full-text.ts';
import { databasePath, openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';

/** Every entry of the full-text index: word, memory, column and place. */
function entries(dataDir: string, { rebuilt = false } = {}): unknown[] {
  const connection = new Connection(databasePath(dataDir));
  try {
    if (rebuilt) rebuildWords(connection);
    connection.exec("CREATE VIRTUAL TABLE temp.entry USING fts5vocab(main, word, 'instance')");
    return connection.statement('SELECT term, doc, col, "offset" FROM temp.entry ORDER BY 1, 2, 3, 4').all();
  } finally {
    connection.close();
  }
}

const TEXTS = [
  'The café closes at 18:30 🎉 and opens again tomorrow',
  'foo_bar calls getUserName2 in v1.2.3 of C++',
  '我们在北京开会 and 東京でも会議',
  'Straße, STRASSE and ﬁligree; naïve co-operation at 3.14',
];

test('after any changes the full-text index is what it would be if it were made anew', async () => {
  const dataDir = temporaryFolder();
  const store = openSqliteStore(dataDir);
  const added = await store.add(
    Array.from({ length: 60 }, (_, number) => ({
      text: `${TEXTS[number % TEXTS.length] ?? ''} number${number}`,
      tags: [`tag-${number % 5}`, 'ünïcode'],
      source: '',
      metadata: {},
    })),
  );
  const ids = added.map(({ memory }) => memory.id);
  await store.delete(ids.slice(0, 20));
  await store.restore(ids.slice(5, 10));
  for (const id of ids.slice(20, 30)) await store.update(id, { text: `${TEXTS[2] ?? ''} again` });
  for (const id of ids.slice(25, 35)) await store.update(id, { tags: ['other'] });
  await store.purge(ids.slice(40, 50));
  await store.purge(ids.slice(0, 3));
  await store.expireTrash(0);

  const kept = entries(dataDir);
  expect(kept.length).toBeGreaterThan(300);
  expect(kept).toEqual(entries(dataDir, { rebuilt: true }));
});

test('the words of a purged memory are in none of the files, and the other words stay', async () => {
  const dataDir = temporaryFolder();
  const store = openSqliteStore(dataDir);
  const drafts = Array.from({ length: 300 }, (_, number) => ({
    text: `harmless${number} words about the weather`,
    tags: [],
    source: '',
    metadata: {},
  }));
  await store.add(drafts.slice(0, 150));
  const [secret] = await store.add([{ text: 'kumquatberry ziggurat', tags: [], source: '', metadata: {} }]);
  await store.add(drafts.slice(150));
  await store.purge([secret?.memory.id ?? '']);

  const files = ['', '-wal'].map((suffix) => readFileSync(databasePath(dataDir) + suffix, 'latin1')).join('');
  expect(files).toContain('harmless299');
  for (const word of ['kumquat', 'ziggurat', 'umquatber', 'iggura']) expect(files).not.toContain(word);
});
