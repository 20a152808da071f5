import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { Database, OutcomeUnknown } from '../../src/store/postgres/database.ts';
import { parseDatabaseUrl } from '../../src/store/postgres/database-url.ts';
import { describeWithPostgres } from '../helpers/with-postgres.ts';

const LIMIT = { withinMs: 5_000 };
/** Until this program has heard that its connection was ended. */
const HEARD_MS = 300;

await describeWithPostgres('a transaction whose connection ends between two statements', (server) => {
  test.each([
    ['goes on to write', ['INSERT INTO kept VALUES (2)']],
    ['is about to commit', []],
  ])('fails when it %s, and leaves nothing', async (_, rest) => {
    const url = await server().createDatabase();
    await server().sql('CREATE TABLE kept (number integer)', url);
    const database = new Database(parseDatabaseUrl(url));
    onTestFinished(() => database.close());
    const writing = database.transaction(async (statement) => {
      const [session] = await statement('SELECT pg_backend_pid() AS id');
      await statement('INSERT INTO kept VALUES (1)');
      await server().sql(`SELECT pg_terminate_backend(${Number(session?.['id'])})`);
      await delay(HEARD_MS);
      for (const sql of rest) await statement(sql);
    }, LIMIT);
    await expect(writing).rejects.toThrow(OutcomeUnknown);
    expect(await server().sql('SELECT number FROM kept', url)).toEqual([]);
    // The next transaction has a connection of its own.
    await database.transaction((statement) => statement('INSERT INTO kept VALUES (3)'), LIMIT);
    expect(await server().sql('SELECT number FROM kept', url)).toEqual([{ number: 3 }]);
  });
});
