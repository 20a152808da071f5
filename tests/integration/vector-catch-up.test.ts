import { expect, test } from 'vitest';
import type { EmbeddingModelId } from '../../src/embedding/embedder.ts';
import { encodeVector } from '../../src/embedding/quantization.ts';
import { Connection } from '../../src/store/sqlite/connection.ts';
import { findModel } from '../../src/store/sqlite/models.ts';
import type { SqliteMemoryStore } from '../../src/store/sqlite/sqlite-memory-store.ts';
import { VectorCatchUp } from '../../src/store/sqlite/vector-catch-up.ts';
import { ExactIndex } from '../../src/vector/exact-index.ts';
import { databasePath, openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';

const modelId: EmbeddingModelId = { modelId: 'made-up', dimension: 4, weightsHash: '0'.repeat(64) };

async function add(store: SqliteMemoryStore, texts: readonly string[]): Promise<string[]> {
  const outcomes = await store.add(texts.map((text) => ({ text, tags: [], source: '', metadata: {} })));
  return outcomes.map(({ memory }) => memory.id);
}

/** Any bytes occur in vectors, so also those that end a text or are no UTF-8. */
function vectorOf(versionKey: number): Uint8Array {
  const data = Int8Array.of(versionKey, 0, -versionKey, versionKey % 5);
  return encodeVector({ scale: 0.001 * versionKey, data });
}

/** @param chunks vectors of each memory */
async function embed(store: SqliteMemoryStore, chunks = 1): Promise<void> {
  const pending = await store.claimPendingEmbeddings({ modelId, limit: 1_000, leaseMs: 1_000 });
  await store.putEmbeddings(
    modelId,
    pending.map(({ versionKey, text }) => ({
      versionKey,
      chunks: Array.from({ length: chunks }, () => ({
        start: 0,
        end: text.length,
        vector: vectorOf(versionKey),
      })),
    })),
  );
}

async function filledStore(count: number): Promise<{ dataDir: string; connection: Connection }> {
  const dataDir = temporaryFolder();
  const store = openSqliteStore(dataDir);
  const ids = await add(
    store,
    Array.from({ length: count }, (_, number) => `memory ${number}`),
  );
  await embed(store);
  await store.delete(ids.filter((_, place) => place % 7 === 3));
  return { dataDir, connection: new Connection(databasePath(dataDir)) };
}

/** The labels of an index, as `search` without a limit finds them. */
function labelsOf(index: ExactIndex): number[] {
  return index
    .search(Float32Array.of(1, 0, 0, 0), 10_000)
    .map(({ label }) => label)
    .sort((a, b) => a - b);
}

test('what another process changes between the steps of the first reading is in the index at its end', async () => {
  const dataDir = temporaryFolder();
  const store = openSqliteStore(dataDir);
  const ids = await add(
    store,
    Array.from({ length: 40 }, (_, number) => `memory ${number}`),
  );
  await embed(store, 2);
  await store.delete([ids[39] ?? '']);

  const connection = new Connection(databasePath(dataDir));
  const model = findModel(connection, modelId) ?? -1;
  const index = new ExactIndex(4);
  const catchUp = new VectorCatchUp(connection, {
    model,
    index,
    sizes: { vectors: 7, versions: 9, changes: 7 },
  });
  for (let round = 0; connection.transaction('DEFERRED', () => catchUp.step()); round += 1) {
    if (round > 25) continue;
    const [first, second, third] = [ids[round] ?? '', ids[38 - round] ?? '', ids[(round * 7) % 39] ?? ''];
    await store.delete([first]).catch(() => 0);
    await store.restore([second]);
    await store.update(third, { tags: [`round ${round}`] }).catch(() => null);
    await store.update(second, { text: `changed in round ${round}` });
    await add(store, [`new in round ${round}`]);
    await embed(store);
  }

  const live = connection
    .statement(
      "SELECT c.label AS label FROM memory m JOIN chunk c ON c.version = m.current WHERE m.state = 'live' ORDER BY c.label",
    )
    .all() as { label: number }[];
  expect(live.length).toBeGreaterThan(40);
  expect(labelsOf(index)).toEqual(live.map(({ label }) => label));
  expect(catchUp.count).toBe(live.length);
  const nums = connection.statement('SELECT num FROM memory').all() as { num: number }[];
  const labels = catchUp.labelsOf(Int32Array.from(nums, ({ num }) => num));
  expect([...labels].sort((a, b) => a - b)).toEqual(labelsOf(index));
  connection.close();
});

test('each vector gets its own label, also beside vectors of memories in the trash', async () => {
  const { connection } = await filledStore(300);
  const model = findModel(connection, modelId) ?? -1;
  const index = new ExactIndex(4);
  const sizes = { vectors: 50, versions: 80, changes: 20 };
  const catchUp = new VectorCatchUp(connection, { model, index, sizes });
  while (connection.transaction('DEFERRED', () => catchUp.step()));

  const expected = new ExactIndex(4);
  const rows = connection
    .statement(
      `SELECT c.label AS label, c.vector AS vector FROM chunk c JOIN memory m ON m.current = c.version WHERE m.state = 'live'`,
    )
    .all() as { label: number; vector: Uint8Array }[];
  for (const { label, vector } of rows) expected.add(Int32Array.of(label), vector);
  expect(rows.length).toBe(300 - 43);
  const query = Float32Array.of(0.3, 0, -0.2, 0.7);
  expect(index.search(query, 300)).toEqual(expected.search(query, 300));
  connection.close();
});

test.each([
  ['one is too short', [7]],
  ['two have the right length together', [7, 9]],
])('vectors of a wrong size are not taken for others: %s', async (_, lengths) => {
  const { connection } = await filledStore(20);
  lengths.forEach((length, place) => {
    connection.exec(`UPDATE chunk SET vector = zeroblob(${length}) WHERE label = ${place + 2}`);
  });
  const model = findModel(connection, modelId) ?? -1;
  const catchUp = new VectorCatchUp(connection, { model, index: new ExactIndex(4) });
  expect(() => {
    while (connection.transaction('DEFERRED', () => catchUp.step()));
  }).toThrow(/wrong size/);
  connection.close();
});
