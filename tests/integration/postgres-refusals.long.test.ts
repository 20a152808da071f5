import { randomBytes, randomUUID } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { chownSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { PostgresLog } from '../../src/store/postgres/postgres-log.ts';
import type { SqliteMemoryStore } from '../../src/store/sqlite/sqlite-memory-store.ts';
import { draft } from '../helpers/drafts.ts';
import { nobody } from '../helpers/servers/postgres.ts';
import { WireProxy } from '../helpers/servers/wire-proxy.ts';
import { smallDisk } from '../helpers/small-disk.ts';
import { openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';
import { describeWithPostgres } from '../helpers/with-postgres.ts';

const MINUTE_MS = 60_000;

await describeWithPostgres('a store on a database', (server) => {
  const open = (url: string, now = (): number => Date.now()): SqliteMemoryStore =>
    openSqliteStore(temporaryFolder(), {
      now,
      log: new PostgresLog({ url, schema: 'faiss_memory', space: 'team' }),
    });
  const add = (store: SqliteMemoryStore, text: string): ReturnType<SqliteMemoryStore['add']> =>
    store.add([draft(text)]);
  const nameOf = (url: string): string => url.split('/').at(-1) ?? '';

  describe('that refuses', () => {
    test('because its schema or itself was dropped, says so and shows nothing of it any more', async () => {
      const url = await server().createDatabase();
      const store = open(url);
      await add(store, 'one');
      await server().sql('DROP SCHEMA faiss_memory CASCADE', url);
      const gone = {
        code: 'STORE_UNAVAILABLE',
        retryable: false,
        message: expect.stringContaining('are not in the database') as string,
      };
      await expect(store.stats()).rejects.toMatchObject(gone);
      await expect(add(store, 'two')).rejects.toMatchObject(gone);
      await server().endSessions(url);
      await server().sql(`DROP DATABASE ${nameOf(url)}`);
      await expect(store.stats()).rejects.toThrow(/There is no database/);
    });

    test('because the role has no rights, says which and how they are given', async () => {
      const url = await server().createDatabase();
      await add(open(url), 'one');
      const role = `poor_${randomUUID().slice(0, 8)}`;
      await server().sql(`CREATE ROLE ${role} LOGIN`);
      onTestFinished(async () => {
        await server().sql(`DROP ROLE ${role}`);
      });
      const refused = {
        code: 'STORE_UNAVAILABLE',
        message: expect.stringMatching(/lacks a permission: permission denied/) as string,
        fix: expect.stringContaining('docs/team.md') as string,
      };
      await expect(open(url.replace('owner@', `${role}@`)).stats()).rejects.toMatchObject(refused);
      const other = await server().createDatabase();
      await server().sql(`REVOKE CREATE ON DATABASE ${nameOf(other)} FROM PUBLIC`);
      await expect(open(other.replace('owner@', `${role}@`)).stats()).rejects.toMatchObject(refused);
    });

    test('more connections serves what it has, and goes on when there are some again', async () => {
      const url = await server().createDatabase();
      const role = `many_${randomUUID().slice(0, 8)}`;
      await server().sql(`CREATE ROLE ${role} LOGIN SUPERUSER`);
      onTestFinished(async () => {
        await server().sql(`DROP OWNED BY ${role}`, url);
        await server().sql(`DROP ROLE ${role}`);
      });
      const store = open(url.replace('owner@', `${role}@`));
      await add(store, 'one');
      await server().sql(`ALTER ROLE ${role} NOSUPERUSER CONNECTION LIMIT 0`);
      await server().endSessions(url);
      await expect(add(store, 'two')).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        retryable: true,
        message: expect.stringContaining('too many connections') as string,
      });
      expect(await store.stats()).toMatchObject({ live: 1, stale: expect.any(String) as string });
      await server().sql(`ALTER ROLE ${role} SUPERUSER CONNECTION LIMIT -1`);
      await add(store, 'two');
      expect((await store.stats()).live).toBe(2);
    });

    test('texts that its encoding cannot hold is not used', async () => {
      const url = await server().createDatabase(`ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0`);
      await expect(open(url).stats()).rejects.toMatchObject({
        message: expect.stringContaining('the encoding SQL_ASCII') as string,
        fix: expect.stringContaining("ENCODING 'UTF8'") as string,
      });
      expect(await server().sql(`SELECT to_regnamespace('faiss_memory')::text AS schema`, url)).toEqual([
        { schema: null },
      ]);
    });

    test('because it is too old, is not used', async () => {
      const url = await server().createDatabase();
      const [row] = await server().sql(`SELECT current_setting('server_version_num') AS version`);
      const version = String(row?.['version']);
      const proxy = await WireProxy.start(server().port);
      onTestFinished(() => proxy.close());
      proxy.harm({ kind: 'rewrite', from: version, to: `13${version.slice(2)}` });
      await expect(open(proxy.url(url)).stats()).rejects.toMatchObject({
        message: expect.stringContaining('which is too old') as string,
        fix: 'Use PostgreSQL 14 or newer.',
      });
    });

    test('because it is full, loses and doubles nothing, and takes writes again when it is not', async () => {
      const disk = smallDisk(16 * 1024);
      const owner = nobody();
      if (owner !== null) chownSync(disk, ...owner);
      const space = `small_${randomUUID().slice(0, 8)}`;
      await server().sql(`CREATE TABLESPACE ${space} LOCATION '${disk}'`);
      const url = await server().createDatabase(`TABLESPACE ${space}`);
      onTestFinished(async () => {
        await server().endSessions(url);
        await server().sql(`DROP DATABASE ${nameOf(url)}`);
        await server().sql(`DROP TABLESPACE ${space}`);
      });
      const store = open(url);
      // Random, because texts are compressed.
      const filler = (): string => randomBytes(200_000).toString('hex');
      const other = open(url);
      let stored = 0;
      const fill = async (): Promise<void> => {
        for (; stored < 100; stored += 1) {
          await other.stats();
          await add(store, filler());
        }
      };
      await expect(fill()).rejects.toMatchObject({ code: 'STORE_FULL', retryable: true });
      expect(stored).toBeGreaterThan(2);
      const states = await Promise.all([store.stats(), other.stats()]);
      expect(states.map(({ live }) => live)).toEqual([stored, stored]);
      expect(states[0].stateDigest).toBe(states[1].stateDigest);
      execFileSync('mount', ['-o', 'remount,size=64m', disk]);
      await add(store, 'small');
      expect((await store.stats()).live).toBe(stored + 1);
    });
  });

  test('whose server sets times for statements and transactions works, and says so when they are too short', async () => {
    const url = await server().createDatabase();
    const store = open(url);
    await add(store, 'one');
    await server().sql(
      `ALTER DATABASE ${nameOf(url)} SET idle_in_transaction_session_timeout = '1ms';
       ALTER DATABASE ${nameOf(url)} SET idle_session_timeout = '300ms'; ALTER DATABASE ${nameOf(url)} SET lock_timeout = '1ms'`,
    );
    await server().endSessions(url);
    await store.add(Array.from({ length: 6 }, (_, number) => draft(`${number} ${'x'.repeat(1_000_000)}`)));
    expect((await store.stats()).live).toBe(7);
    const sessions = `SELECT pid FROM pg_stat_activity WHERE datname = '${nameOf(url)}'`;
    await expect.poll(() => server().sql(sessions)).toEqual([]);
    await add(store, 'after a pause');
    await server().sql(`ALTER DATABASE ${nameOf(url)} SET statement_timeout = '1ms'`);
    await server().endSessions(url);
    await expect(
      store.add(Array.from({ length: 6 }, (_, number) => draft(`more ${number} ${'y'.repeat(1_000_000)}`))),
    ).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
    await server().sql(`ALTER DATABASE ${nameOf(url)} RESET ALL`);
    await server().endSessions(url);
    await add(store, 'two');
    expect((await open(url).stats()).stateDigest).toBe((await store.stats()).stateDigest);
  });

  test('that a newer program changes while it is used says so, and stops', async () => {
    const url = await server().createDatabase();
    const store = open(url);
    await add(store, 'one');
    await server().sql('UPDATE faiss_memory.schema_version SET version = 2', url);
    const newer = {
      code: 'STORE_TOO_NEW',
      message: expect.stringContaining('have version 2') as string,
      fix: expect.stringContaining('Update faiss-memory') as string,
    };
    await expect(add(store, 'two')).rejects.toMatchObject(newer);
    await expect(store.stats()).rejects.toMatchObject(newer);
  });

  test('whose tables a newer program makes at the same moment does not take them for its own', async () => {
    const url = await server().createDatabase();
    const proxy = await WireProxy.start(server().port);
    onTestFinished(() => proxy.close());
    // Both see that there are no tables; this one is cut off before it asks for the lock, and then the other was faster.
    proxy.harm({ kind: 'cut-before', text: 'pg_advisory_xact_lock' });
    const store = open(proxy.url(url));
    await expect(store.stats()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
    expect(await server().sql(`SELECT to_regnamespace('faiss_memory')::text AS schema`, url)).toEqual([
      { schema: null },
    ]);
    await add(open(url), 'of the other');
    await server().sql('UPDATE faiss_memory.schema_version SET version = 2', url);
    await expect(store.stats()).rejects.toMatchObject({ code: 'STORE_TOO_NEW' });
  });

  test.each([10, -10])(
    'dates what a server writes whose clock is %i minutes off by its own clock',
    async (minutes) => {
      const url = await server().createDatabase();
      const right = open(url);
      const wrong = open(url, () => Date.now() + minutes * MINUTE_MS);
      await add(right, 'first');
      const [outcome] = await add(wrong, 'second');
      await add(right, 'third');
      const { id, createdAt } = outcome?.memory ?? { id: '', createdAt: 0 };
      expect(Math.abs(createdAt - Date.now())).toBeLessThan(5_000);
      const { memories } = await right.list({ filter: {}, which: 'live', order: 'oldest', limit: 9 });
      expect(memories.map(({ text }) => text)).toEqual(['first', 'second', 'third']);
      // What went to the trash just now is not old for either of them.
      await right.delete([id]);
      expect(await wrong.expireTrash(5 * MINUTE_MS)).toBe(0);
      expect((await wrong.restore([id]))[0]?.text).toBe('second');
      // A lease ends by the clock of the database too.
      expect(await right.replica.lease('sync', 'right', 30_000)).toBe(true);
      expect(await wrong.replica.lease('sync', 'wrong', 30_000)).toBe(false);
    },
  );
});
