import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '../../src/store/sqlite/engine.ts';
import { describe, expect, test } from 'vitest';
import { StoreFullError, StoreTooNewError } from '../../src/errors/store-errors.ts';
import { ATTRIBUTE_COLUMNS } from '../../src/store/sqlite/attribute-columns.ts';
import type { MemoryDraft } from '../../src/memory/memory.ts';
import { MIGRATIONS, type Migration } from '../../src/store/sqlite/migrations.ts';
import { smallDisk } from '../helpers/small-disk.ts';
import { draft } from '../helpers/drafts.ts';
import { databasePath, openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';

const NOW = Date.UTC(2026, 0, 31, 12, 30, 15, 250);

const NEWEST = MIGRATIONS.at(-1)?.version ?? 0;
const NEXT = NEWEST + 1;

/** The released migrations and another one, which counts how often it ran in the table it makes. */
const WITH_NEXT: readonly Migration[] = [
  ...MIGRATIONS,
  {
    version: NEXT,
    up: (connection) => {
      connection.exec(`CREATE TABLE IF NOT EXISTS mark (run INTEGER); INSERT INTO mark VALUES (1)`);
    },
  },
];

/** What each version after the first one added. */
const ADDED: Readonly<Record<number, string>> = {
  2: 'DROP TABLE own_commit; DROP TABLE seen_head;',
  4: 'DROP TABLE hidden; DROP TABLE erased_here;',
  5: `DROP TRIGGER chunk_removed; DROP TABLE token_vector; DROP TABLE piece_count; DROP TABLE token_space;
    DROP INDEX chunk_without_tokens; ALTER TABLE chunk DROP COLUMN tokens;`,
  6: `DROP INDEX pending_in_order; ALTER TABLE pending DROP COLUMN later; DROP INDEX memory_by_kind; DROP INDEX memory_by_conversation; DROP INDEX memory_by_session;
    DROP INDEX memory_by_occurrence; DROP INDEX memory_by_expiry; DROP INDEX memory_by_pin;
    DROP INDEX memory_by_superseded; ${ATTRIBUTE_COLUMNS.map((name) => `ALTER TABLE memory DROP COLUMN ${name};`).join(' ')}`,
  8: 'DROP TABLE found; DROP TABLE searched;',
  9: `DROP INDEX memory_by_truth; ${['tag', 'memory', 'conversation', 'pending'].map((name) => `DROP TRIGGER ${name}_added;`).join(' ')}
    DROP TRIGGER tag_removed; DROP TRIGGER memory_changed; DROP TRIGGER conversation_removed; DROP TRIGGER pending_removed;
    ${['tag', 'source', 'conversation', 'day', 'total', 'pending'].map((name) => `DROP TABLE ${name}_count;`).join(' ')}`,
  10: `INSERT INTO word (word, rank) VALUES ('pgsz', 4050), ('crisismerge', 16), ('automerge', 4);`,
  11: `${['token_space_added', 'token_space_removed', 'chunk_added', 'chunk_uncounted', 'chunk_changed', 'memory_shown', 'memory_replaced'].map((name) => `DROP TRIGGER ${name};`).join(' ')}
    DROP TABLE without_tokens_count;`,
};

async function storeOfVersion(
  version: number,
  folder: string,
  drafts: readonly (string | MemoryDraft)[] = ['a', 'b', 'c'],
): Promise<string[]> {
  const store = openSqliteStore(folder);
  const added = await store.add(drafts.map((each) => (typeof each === 'string' ? draft(each) : each)));
  await store.delete(added.flatMap(({ memory: { id, tags } }) => (tags.includes('trash') ? [id] : [])));
  await store.close();
  const database = openDatabase(databasePath(folder));
  for (let later = NEWEST; later > version; later -= 1) database.exec(ADDED[later] ?? '');
  database.exec(`PRAGMA user_version = ${version}`);
  database.close();
  return added.map(({ memory }) => memory.id);
}

function query(path: string, sql: string): unknown {
  const database = openDatabase(path);
  try {
    return Object.values(database.prepare(sql).get() as object)[0];
  } finally {
    database.close();
  }
}

describe('migration of an existing store', () => {
  test.each([1, 2, 3, 4, 5, 7, 8, 9, 10])('brings a store of version %i to the newest', async (version) => {
    const folder = temporaryFolder();
    await storeOfVersion(version, folder);
    const store = openSqliteStore(folder);
    expect(await store.stats()).toMatchObject({ live: 3, schemaVersion: MIGRATIONS.at(-1)?.version });
    expect((await store.checkIntegrity()).problems).toEqual([]);
    expect(await store.replica.findSeen('anywhere', 'aaaa000000000001')).toBeNull();
    expect(query(databasePath(folder), `SELECT v FROM word_config WHERE k = 'pgsz'`)).toBe(1_000);
  });

  test('indexes the words of a store again that was made before symbols were in the index', async () => {
    const folder = temporaryFolder();
    const texts = Array.from({ length: 1_200 }, (_, index) => `note ${index}`);
    const [id] = await storeOfVersion(2, folder, ['written in C++ 🎉 déjà-vu', ...texts]);
    const database = openDatabase(databasePath(folder));
    database.exec(`INSERT INTO word (word) VALUES ('delete-all');
      INSERT INTO word (rowid, text, tags)
      SELECT m.num, v.text, v.tags FROM memory m JOIN version v ON v.key = m.current;`);
    database.close();
    const migrated = openSqliteStore(folder);
    for (const words of ['C++', '🎉', 'deja']) {
      expect((await migrated.candidates({ filter: {}, limit: 5, words })).words).toMatchObject([{ id }]);
    }
    expect((await migrated.candidates({ filter: {}, limit: 2_000, words: 'note' })).words).toHaveLength(
      1_200,
    );
    expect((await migrated.checkIntegrity()).problems).toEqual([]);
  });

  test('reads what the metadata of a store says that was made before there were kinds', async () => {
    const folder = temporaryFolder();
    const part = { kind: 'conversation', session: 's1', position: 0, role: 'user', client: 'codex' };
    const replaced = '0190a0b0-0000-7000-8000-000000000001';
    const [spoken, gone, replacing, rest] = await storeOfVersion(5, folder, [
      draft('said', { metadata: part }),
      draft('said and deleted', { metadata: { ...part, position: 1 }, tags: ['trash'] }),
      draft('newer', { metadata: { supersedes: replaced, pinned: true, occurred_at: '2026-01-01' } }),
      draft('no kind', { metadata: { session: 's1', kind: 'note', expires: 'never' } }),
      draft('older', { id: replaced, metadata: { expires: '2026-02-01' } }),
    ]);
    const store = openSqliteStore(folder);
    expect((await store.checkIntegrity()).problems).toEqual([]);
    expect(await store.matching({ kind: 'conversation' })).toEqual([spoken]);
    expect(await store.matching({ session: 's1', client: 'codex' })).toEqual([spoken]);
    const trash = await store.list({ filter: { session: 's1' }, which: 'trash', order: 'newest', limit: 5 });
    expect(trash.memories.map(({ id }) => id)).toEqual([gone]);
    expect(await store.matching({ pinned: true, occurredAfter: Date.UTC(2026, 0, 1) })).toEqual([replacing]);
    expect(await store.matching({ expiredAt: Date.UTC(2026, 1, 1) })).toEqual([replaced]);
    expect(await store.matching({ kind: 'fact' })).toEqual([replacing, rest, replaced]);
    expect(await store.getCurrent([replaced])).toMatchObject([{ supersededBy: replacing }]);
  });

  test('copies the database first, then runs what is missing, once', async () => {
    const folder = temporaryFolder();
    await storeOfVersion(NEWEST, folder);
    const store = openSqliteStore(folder, { migrations: WITH_NEXT, now: () => NOW });
    expect(await store.stats()).toMatchObject({ live: 3, schemaVersion: NEXT });
    await openSqliteStore(folder, { migrations: WITH_NEXT, now: () => NOW + 1 }).stats();
    expect(query(databasePath(folder), 'SELECT count(*) FROM mark')).toBe(1);
    expect(readdirSync(join(folder, 'backups'))).toEqual([`before-v${NEXT}-20260131T123015250Z.sqlite`]);
    const backup = join(folder, 'backups', `before-v${NEXT}-20260131T123015250Z.sqlite`);
    expect(statSync(backup).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'backups')).mode & 0o777).toBe(0o700);
    expect(query(backup, 'PRAGMA user_version')).toBe(NEWEST);
    expect(query(backup, 'SELECT count(*) FROM version')).toBe(3);
  });

  test('makes no backup of a new store', async () => {
    const folder = temporaryFolder();
    expect((await openSqliteStore(folder, { migrations: WITH_NEXT }).stats()).schemaVersion).toBe(NEXT);
    expect(existsSync(join(folder, 'backups'))).toBe(false);
  });

  test('runs once when several openers start it together', async () => {
    const folder = temporaryFolder();
    await storeOfVersion(NEWEST, folder);
    const stores = Array.from({ length: 6 }, () => openSqliteStore(folder, { migrations: WITH_NEXT }));
    const stats = await Promise.all(stores.map((store) => store.stats()));
    expect(stats.map(({ schemaVersion, live }) => [schemaVersion, live])).toEqual(stats.map(() => [NEXT, 3]));
    expect(query(databasePath(folder), 'SELECT count(*) FROM mark')).toBe(1);
    expect(readdirSync(join(folder, 'backups'))).toHaveLength(1);
  });

  test('that fails changes nothing, and is tried again', async () => {
    const folder = temporaryFolder();
    await storeOfVersion(NEWEST, folder);
    const broken: readonly Migration[] = [
      ...WITH_NEXT,
      {
        version: NEXT + 1,
        up: (connection) => {
          connection.exec('INSERT INTO no_such_table VALUES (1)');
        },
      },
    ];
    await expect(openSqliteStore(folder, { migrations: broken }).stats()).rejects.toThrow(/no_such_table/);
    expect(query(databasePath(folder), 'PRAGMA user_version')).toBe(NEWEST);
    expect(query(databasePath(folder), `SELECT count(*) FROM sqlite_schema WHERE name = 'mark'`)).toBe(0);
    expect((await openSqliteStore(folder, { migrations: WITH_NEXT }).stats()).live).toBe(3);
  });

  test('does not start when its backup cannot be written', async () => {
    const disk = smallDisk(2_048);
    const folder = join(disk, 'data');
    const store = openSqliteStore(folder);
    await store.add(Array.from({ length: 100 }, (_, index) => draft(`${index} ${'x'.repeat(4_000)}`)));
    await store.close();
    const ballast = join(disk, 'ballast');
    writeFileSync(ballast, Buffer.alloc(1_000 * 1_024));
    await expect(openSqliteStore(folder, { migrations: WITH_NEXT }).stats()).rejects.toThrow(StoreFullError);
    expect(query(databasePath(folder), 'PRAGMA user_version')).toBe(NEWEST);
    expect(readdirSync(join(folder, 'backups'))).toEqual([]);
  });

  test('does not start when the folder for its backup is a file', async () => {
    const folder = temporaryFolder();
    await storeOfVersion(NEWEST, folder);
    writeFileSync(join(folder, 'backups'), 'mine');
    await expect(openSqliteStore(folder, { migrations: WITH_NEXT }).stats()).rejects.toThrow();
    expect(query(databasePath(folder), 'PRAGMA user_version')).toBe(NEWEST);
    expect(readFileSync(join(folder, 'backups'), 'utf8')).toBe('mine');
  });

  test('stops programs of the old version that have the store open', async () => {
    const folder = temporaryFolder();
    const old = openSqliteStore(folder);
    await old.add([draft('before')]);
    const young = openSqliteStore(folder, { migrations: WITH_NEXT });
    await young.add([draft('after')]);
    await expect(old.add([draft('late')])).rejects.toThrow(StoreTooNewError);
    expect((await young.stats()).live).toBe(2);
  });

  test('also migrates a copy that was put back from a backup', async () => {
    const [folder, other] = [temporaryFolder(), join(temporaryFolder(), 'other')];
    await storeOfVersion(1, folder);
    await openSqliteStore(folder).stats();
    const [backup = ''] = readdirSync(join(folder, 'backups'));
    mkdirSync(other);
    writeFileSync(databasePath(other), readFileSync(join(folder, 'backups', backup)));
    const store = openSqliteStore(other);
    await store.add([draft('goes on')]);
    expect((await store.stats()).live).toBe(4);
    expect((await store.checkIntegrity()).problems).toEqual([]);
  });
});

describe('first opening', () => {
  test('gives one machine id, however many open at once', async () => {
    const folder = join(temporaryFolder(), 'new');
    const stores = Array.from({ length: 8 }, () => openSqliteStore(folder));
    const stats = await Promise.all(stores.map((store) => store.stats()));
    expect(new Set(stats.map(({ machineId }) => machineId)).size).toBe(1);
    expect(readdirSync(folder).filter((name) => name.includes('.new-'))).toEqual([]);
  });

  test('touches no file before the first call', () => {
    const folder = join(temporaryFolder(), 'new');
    openSqliteStore(folder);
    expect(existsSync(folder)).toBe(false);
  });
});
