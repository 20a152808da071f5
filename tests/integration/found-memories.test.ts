import { expect, test } from 'vitest';
import { openDatabase } from '../../src/store/sqlite/engine.ts';
import { draft } from '../helpers/drafts.ts';
import { databasePath, openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';

test('what searches found of a memory goes with its content, and only then', async () => {
  const folder = temporaryFolder();
  let now = 1_000;
  const store = openSqliteStore(folder, { now: () => now });
  const added = await store.add(['purged', 'expired', 'kept'].map((text) => draft(text)));
  const [purged = '', expired = '', kept = ''] = added.map(({ memory }) => memory.id);
  const found = (): unknown[] => {
    const database = openDatabase(databasePath(folder));
    try {
      const rows = 'SELECT id, times, last_at FROM found JOIN memory USING (num) ORDER BY num';
      return database
        .prepare(rows)
        .all()
        .map((row) => Object.values(row as object) as unknown[]);
    } finally {
      database.close();
    }
  };
  for (const at of [5, 4])
    await store.noteFound({ at, searches: 1, times: [purged, expired, kept].map((id) => [id, at]) });
  const counts = (ids: readonly string[]): unknown[] => ids.map((id) => [id, 9, 5]);
  expect(found()).toEqual(counts([purged, expired, kept]));
  await store.delete([expired]);
  expect(found()).toEqual(counts([purged, expired, kept]));
  await store.purge([purged]);
  expect(found()).toEqual(counts([expired, kept]));
  now += 1_000;
  await store.expireTrash(500);
  expect(found()).toEqual(counts([kept]));
  await store.noteFound({ at: 6, searches: 0, times: [[purged, 1]] });
  expect(found()).toEqual(counts([kept]));
  await store.close();
});
