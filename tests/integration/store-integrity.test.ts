import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '../../src/store/sqlite/engine.ts';
import { describe, expect, test } from 'vitest';
import type { SqliteMemoryStore } from '../../src/store/sqlite/sqlite-memory-store.ts';
import { draft } from '../helpers/drafts.ts';
import { databasePath, openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';
import { encodeVector, unitVector } from '../helpers/vectors.ts';

const STAMP = { modelId: 'test', dimension: 8, weightsHash: '' };

async function storeWithVectors(folder: string): Promise<SqliteMemoryStore> {
  const store = openSqliteStore(folder);
  await store.add(
    ['one', 'two', 'three'].map((text) =>
      draft(text, { tags: ['t', text], source: 's', metadata: { project: 'p' } }),
    ),
  );
  await store.keepTokenVectors({ modelId: STAMP, name: 'space' });
  const pending = await store.claimPendingEmbeddings({ modelId: STAMP, limit: 2, leaseMs: 0 });
  await store.putEmbeddings(
    STAMP,
    pending.map(({ versionKey }, axis) => ({
      versionKey,
      chunks: [
        {
          start: 0,
          end: 3,
          vector: encodeVector(unitVector(8, axis)),
          tokens: { pieces: Int32Array.of(7, 8 + axis), vectors: Uint8Array.of(0x8f, 0xf8) },
        },
      ],
    })),
  );
  return store;
}

describe('checkIntegrity', () => {
  test('says what it checked', async () => {
    const store = await storeWithVectors(temporaryFolder());
    const report = await store.checkIntegrity(STAMP);
    expect(report).toMatchObject({ ok: true, problems: [] });
    expect(report.checked.length).toBeGreaterThan(8);
  });

  test.each([
    [`UPDATE version SET text = 'forged' WHERE key = 1`, /content of memory .* is not what was stored/],
    [`UPDATE version SET metadata = '{}' WHERE key = 1`, /content of memory/],
    [`UPDATE memory SET state = 'deleted' WHERE num = 1`, /differs from its current version/],
    [`UPDATE memory SET kind = 'conversation' WHERE num = 1`, /differ from its metadata/],
    [`UPDATE memory SET expires_at = 1 WHERE num = 1`, /differ from its metadata/],
    [`UPDATE memory SET source = 'x' WHERE num = 1`, /differs from its current version/],
    [`UPDATE memory SET text_hash = x'00' WHERE num = 1`, /differs from its current version/],
    [`UPDATE version SET sibling = 0 WHERE key = 1`, /has no version/],
    [`UPDATE version SET n = 99 WHERE key = 1`, /not covered by the clock|stateDigest/],
    [`UPDATE clock SET n = 1`, /not covered by the clock/],
    [`UPDATE ledger SET live = 7`, /total "live" is 7 instead of 3/],
    [`UPDATE ledger SET content_sum = zeroblob(32)`, /contentDigest is 0{64} instead of/],
    [`UPDATE ledger SET state_sum = zeroblob(32)`, /stateDigest/],
    [`DELETE FROM tag WHERE num = 1`, /missing in the filters/],
    [`INSERT INTO tag VALUES (1, 'extra', 1)`, /table tag has 7 rows instead of 6/],
    [`DELETE FROM attribute WHERE num = 1`, /missing in the filters/],
    [`INSERT INTO word (word) VALUES ('delete-all')`, /missing in the full-text index/],
    [`INSERT INTO word (rowid, text, tags) VALUES (77, 'ghost', '')`, /entry for 77/],
    [`DELETE FROM chunk WHERE label = 1`, /has no vectors of test and does not wait for them/],
    [`UPDATE chunk SET vector = x'00' WHERE label = 1`, /vector 1 has 1 bytes/],
    [`DELETE FROM pending`, /does not wait/],
    [`DELETE FROM token_vector WHERE label = 1`, /vector 1 says that it has token vectors and has none/],
    [`UPDATE chunk SET tokens = 0 WHERE label = 1`, /vector 1 has token vectors that it does not know of/],
    [`DELETE FROM token_space`, /token vectors that it does not know of/],
    [`UPDATE piece_count SET chunks = 5 WHERE piece = 7`, /word piece 7 is counted 5 times instead of 2/],
    [`DELETE FROM piece_count WHERE piece = 8`, /word piece 8 is counted 0 times instead of 1/],
    [`INSERT INTO pending VALUES (1, 1, 0, 0)`, /waits for vectors that it has/],
    [`PRAGMA foreign_keys = OFF; UPDATE chunk SET model = 9 WHERE label = 1`, /names a row of model/],
  ])('notices: %s', async (sql, problem) => {
    const folder = temporaryFolder();
    const store = await storeWithVectors(folder);
    const database = openDatabase(databasePath(folder));
    database.exec(sql);
    database.close();
    const report = await store.checkIntegrity();
    expect(report.ok).toBe(false);
    expect(report.problems.join('\n')).toMatch(problem);
  });

  test('notices a vector index that differs from the database', async () => {
    const folder = temporaryFolder();
    const store = await storeWithVectors(folder);
    await store.checkIntegrity(STAMP);
    const database = openDatabase(databasePath(folder));
    // Without a new sequence number the index does not learn of it.
    database.exec('DELETE FROM chunk WHERE label = 1; INSERT INTO pending VALUES (1, 1, 0, 0)');
    database.close();
    const report = await store.checkIntegrity(STAMP);
    expect(report.problems).toEqual(['the vector index (exact) holds 2 vectors instead of 1']);
  });

  test('sums up many problems of one kind', async () => {
    const folder = temporaryFolder();
    const store = openSqliteStore(folder);
    await store.add(Array.from({ length: 50 }, (_, index) => draft(`memory ${index}`)));
    const database = openDatabase(databasePath(folder));
    database.exec(`INSERT INTO word (word) VALUES ('delete-all')`);
    database.close();
    const { problems } = await store.checkIntegrity();
    expect(problems).toHaveLength(21);
    expect(problems.at(-1)).toMatch(/^30 more problems in/);
  });
});

/** The bytes of all files of the store. */
function allBytes(folder: string): string {
  return readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), 'latin1'))
    .join('\n');
}

describe('erasing', () => {
  test.each(['purge', 'strip'] as const)('%s leaves nothing of a memory in any file', async (how) => {
    const folder = temporaryFolder();
    const store = openSqliteStore(folder);
    const others = Array.from({ length: 200 }, (_, index) => draft(`other ${index} ${'word '.repeat(50)}`));
    await store.add(others.slice(0, 100));
    const secret = draft(`xylophonic ${'zq'.repeat(3_000)}`, {
      tags: ['quuxtag'],
      source: 'plughsource',
      metadata: { name: 'xyzzyvalue', hidden: 'thudvalue' },
    });
    const [outcome] = await store.add([secret]);
    const id = outcome?.memory.id ?? '';
    await store.add(others.slice(100));
    await store.update(id, { text: 'grault replaced the xylophonic one' });
    const traces = ['xylophon', 'zqzqzq', 'quuxtag', 'plughsource', 'xyzzyvalue', 'thudvalue', 'grault'];
    expect(traces.filter((trace) => !allBytes(folder).includes(trace))).toEqual([]);
    if (how === 'purge') await store.purge([id]);
    else {
      await store.delete([id]);
      await store.expireTrash(0);
    }
    expect(traces.filter((trace) => allBytes(folder).includes(trace))).toEqual([]);
    expect((await store.checkIntegrity()).problems).toEqual([]);
  });
});
