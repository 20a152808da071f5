import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errors } from 'oidc-provider';
import { expect, test, vi } from 'vitest';
import { EntryAdapter } from '../../src/auth/embedded/entry-adapter.ts';
import { PostgresAuthStore } from '../../src/auth/embedded/postgres-auth-store.ts';
import { SecretSeal } from '../../src/auth/embedded/secret-seal.ts';
import { KeyRing } from '../../src/auth/embedded/signing-keys.ts';
import { AUTH_DATABASE, SqliteAuthStore } from '../../src/auth/embedded/sqlite-auth-store.ts';
import { openDatabase } from '../../src/store/sqlite/engine.ts';
import { describeWithPostgres } from '../helpers/with-postgres.ts';
import { describeAuthStore } from './auth-store.contract.ts';

function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'faiss-memory-auth-store-'));
}

describeAuthStore('a file of the data folder', () => {
  const folder = temporaryFolder();
  return {
    open: () => new SqliteAuthStore(folder),
    everything: () => {
      const database = openDatabase(join(folder, AUTH_DATABASE));
      const rows: unknown[] = ['account', 'entry', 'secret'].flatMap(
        (table) => database.prepare(`SELECT * FROM ${table}`).all() as unknown[],
      );
      database.close();
      return Promise.resolve(JSON.stringify(rows).replaceAll('\\"', '"'));
    },
    clean: () => {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
      return Promise.resolve();
    },
  };
});

test('the file can be read by this user only, and holds a bounded number of clients', async () => {
  const folder = temporaryFolder();
  const store = new SqliteAuthStore(folder);
  // Two thousand commits would wait for the disk.
  const put = vi.spyOn(store, 'sweep');
  const clients = new EntryAdapter(store, 'Client', errors);
  for (let number = 0; number < 60; number += 1) await clients.upsert(`client-${number}`, { client_id: 'x' });
  expect(put.mock.calls).toEqual([
    ['Client', 2_000],
    ['Client', 2_000],
  ]);
  for (const name of ['auth.db', 'auth.db-wal'])
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  await store.close();
  rmSync(folder, { recursive: true });
});

test('replaced keys go after a day', async () => {
  const folder = temporaryFolder();
  const store = new SqliteAuthStore(folder);
  const keys = new KeyRing(store, new SecretSeal(undefined));
  await keys.current();
  await keys.rotate();
  const [second] = (await keys.current()).signing;
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 86_400_000 + 10_000 });
  expect((await keys.current()).signing).toEqual([second]);
  vi.useRealTimers();
  await store.close();
  rmSync(folder, { recursive: true });
});

await describeWithPostgres('in PostgreSQL', (server) => {
  describeAuthStore('a database', () => {
    const schema = `auth_${randomBytes(6).toString('hex')}`;
    return {
      open: () => new PostgresAuthStore({ url: server().url(), schema }),
      everything: async () => {
        const tables = ['account', 'entry', 'secret', 'attempt'];
        const rows = await Promise.all(
          tables.map((table) =>
            server().sql(`SELECT to_json(t)::text AS row FROM ${schema}.sign_in_${table} t`),
          ),
        );
        return JSON.stringify(rows).replaceAll(/\\+"/g, '"');
      },
      clean: async () => {
        await server().sql(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
      },
    };
  });
});
