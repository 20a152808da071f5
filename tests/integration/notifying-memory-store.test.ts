import { expect, test } from 'vitest';
import type { MemoryStore } from '../../src/store/memory-store.ts';
import { notifyingMemoryStore } from '../../src/store/decorators.ts';
import { idOf } from '../contract/replica/use-replicas.ts';
import { draft } from '../helpers/drafts.ts';
import { openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';
import { encodeVector, unitVector } from '../helpers/vectors.ts';

function notifying(): { store: MemoryStore; counts: number[] } {
  const counts: number[] = [];
  const store = notifyingMemoryStore(openSqliteStore(temporaryFolder()), (count) => counts.push(count));
  return { store, counts };
}

test('tells how many memories each write changed', async () => {
  const { store, counts } = notifying();
  const [one, two] = [idOf(1), idOf(2)];
  await store.add([draft('one', { id: one }), draft('two', { id: two })]);
  await store.import([draft('three', { id: idOf(3) }), draft('one', { id: one })]);
  await store.update(one, { text: 'changed' });
  await store.delete([one, two]);
  await store.restore([one]);
  await store.expireTrash(-1_000);
  const modelId = { modelId: 'm', dimension: 4, weightsHash: '' };
  const claimed = await store.claimPendingEmbeddings({ modelId, limit: 10, leaseMs: 0 });
  const vector = encodeVector(unitVector(4, 1));
  await store.putEmbeddings(
    modelId,
    claimed.map(({ versionKey }) => ({ versionKey, chunks: [{ start: 0, end: 1, vector }] })),
  );
  await store.purge([one]);
  expect(counts).toEqual([2, 1, 1, 2, 1, 1, 2, 1]);
});

test('is silent about reads, failures and writes that change nothing', async () => {
  const { store, counts } = notifying();
  await store.add([draft('one', { id: idOf(1) })]);
  counts.length = 0;
  await store.add([draft('one')]);
  await store.delete([]);
  await store.get([idOf(1)]);
  await store.stats();
  await store.expireTrash(0);
  await expect(store.delete([idOf(9)])).rejects.toThrow();
  expect(counts).toEqual([]);
});
