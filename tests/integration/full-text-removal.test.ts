import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Connection } from '../../src/store/sqlite/connection.ts';
import { rebuildWords } from '../../src/store/sqlite/full-text.ts';
import { databasePath, openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';

/** Every entry of the full-text index: word, memory, column and place. */
function entries(dataDir: string, { rebuilt = false } = {}): unknown[] {
  const connection = new Connection(databasePath(dataDir));
  try {
    if (rebuilt)
      connection.transaction('IMMEDIATE', () => {
        rebuildWords(connection);
      });
    connection.exec("CREATE VIRTUAL TABLE temp.entry USING fts5vocab(main, word, 'instance')");
    return connection.statement('SELECT term, doc, col, "offset" FROM temp.entry ORDER BY 1, 2, 3, 4').all();
  } finally {
    connection.close();
  }
}

const NO_TAGS = { tags: [], source: '', metadata: {} };

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

test('the same where the entries of a word fill many pages', async () => {
  const dataDir = temporaryFolder();
  const store = openSqliteStore(dataDir);
  const text = (number: number): string =>
    `${'often '.repeat(1 + (number % 4))} half${number % 2} tenth${number % 10} rare${number}`;
  const added = await store.add(
    Array.from({ length: 1_500 }, (_, number) => ({ ...NO_TAGS, text: text(number) })),
  );
  const ids = added.map(({ memory }) => memory.id);
  for (let number = 0; number < 1_500; number += 61) {
    await store.delete([ids[number] ?? '']);
    await store.update(ids[number + 1] ?? '', { text: text(number + 5_000) });
  }
  await store.purge(ids.slice(500, 1_000));
  const kept = JSON.stringify(entries(dataDir));
  expect(kept === JSON.stringify(entries(dataDir, { rebuilt: true }))).toBe(true);
  expect((await store.checkIntegrity()).problems).toEqual([]);
});

test('the index stays in few segments, also after it was made anew', async () => {
  const dataDir = temporaryFolder();
  const store = openSqliteStore(dataDir);
  for (let number = 0; number < 127; number += 1) await store.add([{ ...NO_TAGS, text: `note ${number}` }]);
  const connection = new Connection(databasePath(dataDir));
  const segments = (): unknown =>
    connection.statement('SELECT count(DISTINCT segid) AS count FROM word_idx').get();
  // At most three in each of the four levels that 127 writes fill; with the defaults of FTS5 they would be 22.
  expect(segments()).toMatchObject({ count: expect.toSatisfy((count: number) => count <= 12) as number });
  rebuildWords(connection);
  const options = connection.statement(`SELECT k, v FROM word_config WHERE k <> 'version' ORDER BY k`).all();
  connection.close();
  expect(options).toMatchObject([
    { k: 'automerge', v: 2 },
    { k: 'crisismerge', v: 4 },
    { k: 'pgsz', v: 1_000 },
    { k: 'secure-delete', v: 1 },
  ]);
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
