import { expect, test } from 'vitest';
import { parseDatabaseUrl } from '../../../src/store/postgres/database-url.ts';
import { Database } from '../../../src/store/postgres/database.ts';

test('a database that was closed opens no connection any more', async () => {
  const database = new Database(parseDatabaseUrl('postgres://ada@127.0.0.1:1/memories'));
  await database.close();
  const options = { withinMs: 1_000 };
  for (const asking of [
    database.run('SELECT $1', [1], options),
    database.change('SELECT $1', [1], options),
    database.transaction((statement) => statement('SELECT 1'), options),
  ])
    await expect(asking).rejects.toThrow('is closed');
  expect(database.connections.open).toBe(0);
});
