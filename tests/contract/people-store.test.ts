import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { PostgresPeopleStore } from '../../src/people/postgres-people-store.ts';
import { SqlitePeopleStore, TEAM_DATABASE } from '../../src/people/sqlite-people-store.ts';
import { PreparedDatabase } from '../../src/store/postgres/prepared-database.ts';
import { describeWithPostgres } from '../helpers/with-postgres.ts';
import { describePeopleStore } from './people-store.contract.ts';

const TABLES = ['person', 'space', 'member', 'token', 'invitation', 'audit'];

describePeopleStore('people in SQLite', () => {
  const folder = mkdtempSync(join(tmpdir(), 'faiss-memory-people-'));
  const path = join(folder, TEAM_DATABASE);
  return Promise.resolve({
    open: () => new SqlitePeopleStore(path),
    everything: () => {
      const database = new DatabaseSync(path);
      try {
        return Promise.resolve(
          JSON.stringify(
            TABLES.map((table) => database.prepare(`SELECT * FROM ${table}`).all() as unknown[]),
          ),
        );
      } finally {
        database.close();
      }
    },
    clean: () => {
      rmSync(folder, { recursive: true, force: true });
      return Promise.resolve();
    },
  });
});

await describeWithPostgres('people', (server) => {
  describePeopleStore('people in PostgreSQL', async () => {
    const url = await server().createDatabase();
    return {
      open: () => new PostgresPeopleStore(new PreparedDatabase({ url, schema: 'faiss_memory' })),
      everything: async () =>
        JSON.stringify(
          await Promise.all(
            TABLES.map((table) => server().sql(`SELECT t::text FROM faiss_memory.team_${table} t`, url)),
          ),
        ),
      clean: () => Promise.resolve(),
    };
  });
});
