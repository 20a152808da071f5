import { randomUUID } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { INDEX_NAME } from '../../src/store/memory-store.ts';
import { PostgresLog } from '../../src/store/postgres/postgres-log.ts';
import type { SqliteMemoryStore } from '../../src/store/sqlite/sqlite-memory-store.ts';
import { draft } from '../helpers/drafts.ts';
import { openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';
import { Database } from '../../src/store/postgres/database.ts';
import { parseDatabaseUrl } from '../../src/store/postgres/database-url.ts';
import { migrate } from '../../src/store/postgres/migrations.ts';
import { ADDITIONS } from '../../src/store/postgres/schema.ts';
import { WireProxy } from '../helpers/servers/wire-proxy.ts';
import { describeWithPostgres } from '../helpers/with-postgres.ts';

await describeWithPostgres('an index of a space', (server) => {
  const open = (url: string, { dataDir = temporaryFolder(), space = 'team' } = {}): SqliteMemoryStore =>
    openSqliteStore(dataDir, { log: new PostgresLog({ url, schema: 'faiss_memory', space }) });
  const idOf = async (store: SqliteMemoryStore, text: string): Promise<string> =>
    (await store.add([draft(text)]))[0]?.memory.id ?? '';

  test('is not begun in a folder that has memories of its own while the space is empty', async () => {
    const dataDir = temporaryFolder();
    const own = openSqliteStore(dataDir);
    await own.add([draft('mine')]);
    const url = await server().createDatabase();
    await expect(open(url, { dataDir }).stats()).rejects.toMatchObject({
      code: 'CONFIGURATION',
      fix: expect.stringContaining('faiss-memory move') as string,
    });
    expect((await own.stats()).live).toBe(1);
    await open(url).add([draft('theirs')]);
    expect((await open(url, { dataDir }).stats()).live).toBe(1);
    expect((await own.findByText('mine'))?.text).toBe('mine');
  });

  test('of another space or another database is made anew', async () => {
    const dataDir = temporaryFolder();
    const url = await server().createDatabase();
    const first = open(url, { dataDir, space: 'one' });
    await first.add([draft('in one')]);
    await first.close();
    const second = open(url, { dataDir, space: 'two' });
    expect((await second.stats()).live).toBe(0);
    await second.add([draft('in two')]);
    await second.close();
    const third = open(url, { dataDir, space: 'one' });
    expect(
      (await third.list({ filter: {}, which: 'live', order: 'newest', limit: 9 })).memories,
    ).toMatchObject([{ text: 'in one' }]);
  });

  test('follows a database that was set back to an older state', async () => {
    const url = await server().createDatabase();
    const store = open(url);
    await idOf(store, 'kept');
    for (const table of ['space', 'entry', 'memory_state', 'version', 'embedding', 'note'])
      await server().sql(`CREATE TABLE public.${table} AS TABLE faiss_memory.${table}`, url);
    await idOf(store, 'lost');
    for (const table of ['space', 'entry', 'memory_state', 'version', 'embedding', 'note'])
      await server().sql(
        `DELETE FROM faiss_memory.${table}; INSERT INTO faiss_memory.${table} SELECT * FROM public.${table}`,
        url,
      );
    expect((await store.stats()).live).toBe(1);
    await idOf(store, 'next');
    const other = open(url);
    expect((await other.stats()).stateDigest).toBe((await store.stats()).stateDigest);
    expect(await store.findByText('lost')).toBeNull();
  });

  test('that another process threw away shows nothing rather than an empty store while the database is away', async () => {
    const proxy = await WireProxy.start(server().port);
    onTestFinished(() => proxy.close());
    const dataDir = temporaryFolder();
    const store = open(proxy.url(await server().createDatabase()), { dataDir });
    await store.add([draft('kept')]);
    expect((await store.stats()).live).toBe(1);
    for (const suffix of ['', '-wal', '-shm']) rmSync(join(dataDir, INDEX_NAME + suffix), { force: true });
    await proxy.close();
    await expect(store.stats()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
  });

  test('does not bring back a space that was deleted', async () => {
    const url = await server().createDatabase();
    const store = open(url);
    await idOf(store, 'one');
    await server().sql(`DELETE FROM faiss_memory.space`, url);
    await expect(store.add([draft('two')])).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      retryable: false,
    });
    expect(await server().sql('SELECT id FROM faiss_memory.space', url)).toEqual([]);
  });

  test('carries replaced versions, vectors and what is kept of erased memories', async () => {
    const url = await server().createDatabase();
    const store = open(url);
    const id = await idOf(store, 'first text');
    await store.update(id, { text: 'second text', metadata: { odd: '\u0000\ud800', n: 1e21 } });
    const [here] = await store.get([id]);
    const [there] = await open(url).get([id]);
    expect(there).toEqual(here);
    expect(there?.history.map(({ text, role }) => [text, role])).toEqual([
      ['second text', 'current'],
      ['first text', 'replaced'],
    ]);
  });

  test('gives the same answers however many writers race', async () => {
    const url = await server().createDatabase();
    const stores = [open(url), open(url), open(url), open(url)];
    const texts = Array.from({ length: 40 }, (_, number) => `racing ${number}`);
    await Promise.all(
      stores.flatMap((store, place) =>
        texts.filter((_, number) => number % 4 === place).map((text) => store.add([draft(text)])),
      ),
    );
    // All of them say the same thing at once: one memory.
    const same = await Promise.all(stores.map((store) => store.add([draft('said by all')])));
    expect(new Set(same.map(([outcome]) => outcome?.memory.id)).size).toBe(1);
    expect(same.filter(([outcome]) => outcome?.outcome === 'added')).toHaveLength(1);
    const states = await Promise.all(stores.map((store) => store.stats()));
    expect(new Set(states.map(({ stateDigest }) => stateDigest)).size).toBe(1);
    expect(states[0]).toMatchObject({ live: 41, clock: { [states[0]?.machineId ?? '']: 41 } });
    expect((await stores[2]?.checkIntegrity())?.problems).toEqual([]);
  });

  test('works with only the documented permissions, and not beyond its space where rows are fenced', async () => {
    const url = await server().createDatabase();
    await open(url, { space: 'team' }).add([draft('of the team')]);
    await open(url, { space: 'board' }).add([draft('of the board')]);
    const role = `app_${randomUUID().slice(0, 8)}`;
    const fenced = ['space', 'entry', 'memory_state', 'version', 'embedding', 'note', 'lease'];
    await server().sql(
      [
        `CREATE ROLE ${role} LOGIN; GRANT USAGE ON SCHEMA faiss_memory TO ${role}`,
        `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA faiss_memory TO ${role}`,
        `REVOKE INSERT, UPDATE, DELETE ON faiss_memory.schema_version FROM ${role}`,
        ...((await server().hasViewsOfReaders()) ? [] : [`REVOKE ALL ON faiss_memory.memory FROM ${role}`]),
        ...fenced.map((table) => {
          const column = table === 'space' ? 'id' : 'space';
          return `ALTER TABLE faiss_memory.${table} ENABLE ROW LEVEL SECURITY;
            CREATE POLICY team_only ON faiss_memory.${table} TO ${role} USING (${column} = 'team') WITH CHECK (${column} = 'team')`;
        }),
      ].join('; '),
      url,
    );
    onTestFinished(async () => {
      await server().sql(`DROP OWNED BY ${role}`, url);
      await server().sql(`DROP ROLE ${role}`);
    });
    const limited = url.replace('owner@', `${role}@`);
    const team = open(limited);
    await team.add([draft('more of the team')]);
    expect((await team.stats()).live).toBe(2);
    const seen = (): Promise<unknown[]> => server().sql('SELECT text FROM faiss_memory.memory', limited);
    if (await server().hasViewsOfReaders()) expect(await seen()).toHaveLength(2);
    else await expect(seen()).rejects.toThrow('permission denied for view memory');
    await expect(open(limited, { space: 'board' }).stats()).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    });
  });

  test('says what is wrong with the database', async () => {
    const url = await server().createDatabase();
    const store = open(url);
    await store.add([draft('one')]);
    const name = url.split('/').at(-1) ?? '';
    await server().sql(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    await server().endSessions(url);
    await expect(store.add([draft('two')])).rejects.toMatchObject({ code: 'STORE_READ_ONLY' });
    expect((await store.stats()).live).toBe(1);
    await server().sql(`ALTER DATABASE ${name} RESET default_transaction_read_only`);
    await server().sql('UPDATE faiss_memory.schema_version SET version = 99', url);
    await expect(open(url).stats()).rejects.toMatchObject({ code: 'STORE_TOO_NEW' });
    await expect(open(server().url('no_such_database')).stats()).rejects.toMatchObject({
      message: expect.stringContaining('There is no database') as string,
    });
    await expect(open(url.replace('owner@', 'nobody-here:secret-word@')).stats()).rejects.toMatchObject({
      message: expect.not.stringContaining('secret-word') as string,
      code: 'STORE_UNAVAILABLE',
    });
  });

  test('is kept while several threads of a server read and write it', async () => {
    const url = await server().createDatabase();
    const dataDir = temporaryFolder();
    const [writer, reader] = [open(url, { dataDir }), open(url, { dataDir })];
    await writer.add([draft('the first')]);
    const { ino } = statSync(join(dataDir, INDEX_NAME));
    const writes = { done: false };
    const writing = (async (): Promise<void> => {
      for (let number = 0; number < 60; number += 1) await writer.add([draft(`number ${number}`)]);
      writes.done = true;
    })();
    while (!writes.done) await Promise.all(Array.from({ length: 4 }, () => reader.stats()));
    await writing;
    expect((await reader.stats()).live).toBe(61);
    expect(statSync(join(dataDir, INDEX_NAME)).ino).toBe(ino);
  });

  test('makes additions once, goes on beside those of newer programs, and stops when tables were changed', async () => {
    const url = await server().createDatabase();
    const store = open(url);
    await store.add([draft('one')]);
    const additions = [
      ...ADDITIONS,
      'CREATE TABLE @.first (a integer)',
      'ALTER TABLE @.first ADD COLUMN b integer',
    ];
    const made = await Promise.all(
      [0, 1, 2, 2, 1].map(async (count) => {
        const database = new Database(parseDatabaseUrl(url));
        await migrate(database, 'faiss_memory', additions.slice(0, ADDITIONS.length + count));
        await database.close();
        return count;
      }),
    );
    expect(made).toHaveLength(5);
    expect(await server().sql('SELECT version, additions FROM faiss_memory.schema_version', url)).toEqual([
      { version: 1, additions: ADDITIONS.length + 2 },
    ]);
    expect(await server().sql('SELECT a, b FROM faiss_memory.first', url)).toEqual([]);
    await store.add([draft('two, beside a newer program')]);
    expect((await open(url).stats()).live).toBe(2);
    await server().sql('UPDATE faiss_memory.schema_version SET version = 2', url);
    for (const one of [store, open(url)]) {
      await expect(one.add([draft('three')])).rejects.toMatchObject({ code: 'STORE_TOO_NEW' });
      await expect(one.stats()).rejects.toMatchObject({ code: 'STORE_TOO_NEW' });
    }
    await server().sql('UPDATE faiss_memory.schema_version SET version = 1', url);
    expect((await store.stats()).live).toBe(2);
  });

  test('leaves nothing of half a migration, and one of many makes the tables', async () => {
    const url = await server().createDatabase();
    await server().sql('CREATE SCHEMA faiss_memory; CREATE TABLE faiss_memory.lease (other text)', url);
    await expect(open(url).stats()).rejects.toThrow('lease');
    const tables = `SELECT tablename FROM pg_tables WHERE schemaname = 'faiss_memory'`;
    expect(await server().sql(tables, url)).toEqual([{ tablename: 'lease' }]);
    await server().sql('DROP TABLE faiss_memory.lease', url);
    const all = await Promise.all(Array.from({ length: 4 }, () => open(url).stats()));
    expect(all.map(({ live }) => live)).toEqual([0, 0, 0, 0]);
  });
});
