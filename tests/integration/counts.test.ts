import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MemoryDraft } from '../../src/memory/memory.ts';
import { Connection } from '../../src/store/sqlite/connection.ts';
import type { SqliteMemoryStore } from '../../src/store/sqlite/sqlite-memory-store.ts';
import { assembleReplica } from '../../src/store/worker/client.ts';
import { apply, snapshotOf } from '../contract/replica/use-replicas.ts';
import { databasePath, openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';
import { encodeVector, unitVector } from '../helpers/vectors.ts';
import { TimeZone } from '../../src/util/time-zone.ts';

const MODEL = { modelId: 'test', dimension: 4, weightsHash: '' };
const TOKENS = { pieces: Int32Array.of(7, 8), vectors: Uint8Array.of(0x8f, 0xf8) };
const ZONES = ['UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'America/Santiago'];

/** Some days around a change of clocks, and times before 1970, when zones had odd offsets. */
const times = fc.oneof(
  fc.integer({ min: Date.UTC(2025, 9, 25), max: Date.UTC(2025, 9, 28) }),
  fc.integer({ min: Date.UTC(1880, 0, 1), max: Date.UTC(1880, 0, 3) }),
  fc.constantFrom(0, -1, 8_640_000_000_000_001, -9_000_000_000_000_000),
);
const drafts: fc.Arbitrary<MemoryDraft> = fc.record({
  text: fc.constantFrom('a', 'b', 'c').chain((text) => fc.nat(50).map((number) => `${text} ${number}`)),
  tags: fc.uniqueArray(fc.constantFrom('x', 'y', 'z'), { maxLength: 3 }),
  source: fc.constantFrom('', 's', 't'),
  createdAt: times,
  metadata: fc.oneof(
    fc.constant({}),
    fc.record({
      kind: fc.constant('conversation'),
      session: fc.constantFrom('s1', 's2'),
      position: fc.nat(9),
      role: fc.constant('user'),
      client: fc.constantFrom('', 'c'),
    }),
  ),
});

const actions = [
  'import',
  'add',
  'overwrite',
  'update',
  'delete',
  'restore',
  'purge',
  'expire trash',
  'expire conversations',
  'embed',
  'embed with tokens',
  'keep tokens',
  'keep no tokens',
  'merge',
  'merge hiding',
  'restore snapshot',
  'dry run',
] as const;
const step = fc.record({
  machine: fc.nat(1),
  action: fc.constantFrom(...actions),
  draft: drafts,
  pick: fc.nat(),
});
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

async function act(
  stores: readonly SqliteMemoryStore[],
  { machine, action, draft, pick }: Step,
): Promise<void> {
  const store = stores[machine] as SqliteMemoryStore;
  const other = stores[1 - machine] as SqliteMemoryStore;
  const replica = assembleReplica(store.replica);
  const live = await store.matching({});
  const some = live.filter((_, place) => (place + pick) % 3 === 0);
  const { memories: trash } = await store.list({ filter: {}, which: 'trash', order: 'newest', limit: 50 });
  const found = trash.filter((_, place) => (place + pick) % 2 === 0).map(({ id }) => id);
  switch (action) {
    case 'import':
      await store.import([draft, { ...draft, text: `${draft.text} more` }]);
      return;
    case 'add':
      await store.add([draft], { allowDuplicates: true });
      return;
    case 'overwrite':
      await store.import(
        some.map((id) => ({ ...draft, id })),
        { overwrite: true },
      );
      return;
    case 'update':
      for (const id of some) await store.update(id, { tags: draft.tags, source: draft.source });
      return;
    case 'delete':
      await store.delete(some);
      return;
    case 'restore':
      await store.restore(found);
      return;
    case 'purge':
      await store.purge([...found, ...some.slice(0, 1)]);
      return;
    case 'expire trash':
      await store.expireHidden(-1_000);
      await store.expireTrash(-1_000);
      return;
    case 'expire conversations':
      await store.expireConversations(0);
      return;
    case 'embed':
    case 'embed with tokens': {
      const tokenVectors = action === 'embed with tokens';
      const claimed = await store.claimPendingEmbeddings({
        modelId: MODEL,
        limit: 3,
        leaseMs: 0,
        tokenVectors,
      });
      const tokens = tokenVectors ? { tokens: TOKENS } : {};
      const chunks = [0, 1].map((start) => ({
        start,
        end: start + 1,
        vector: encodeVector(unitVector(4, 1)),
        ...tokens,
      }));
      await store.putEmbeddings(
        MODEL,
        claimed.map(({ versionKey }) => ({ versionKey, chunks })),
      );
      return;
    }
    case 'keep tokens':
      await store.keepTokenVectors({ modelId: MODEL, name: pick % 2 === 0 ? 'space' : 'newer' });
      return;
    case 'keep no tokens':
      await store.keepTokenVectors(null);
      return;
    case 'merge':
    case 'merge hiding': {
      const snapshot = await snapshotOf(assembleReplica(other.replica));
      await apply(replica, 'merge', { ...snapshot, hidePurged: action === 'merge hiding' });
      return;
    }
    case 'restore snapshot':
      await apply(replica, 'restore', await snapshotOf(assembleReplica(other.replica)));
      return;
    case 'dry run':
      await apply(replica, 'merge', {
        ...(await snapshotOf(assembleReplica(other.replica))),
        dryRun: true,
      });
  }
}

/** What the statistics should say, from the memories themselves. */
async function plain(store: SqliteMemoryStore): Promise<object> {
  const memories = await store.getCurrent(await store.matching({}));
  const counted = (values: readonly string[], most: number): [string, number][] =>
    [...new Set(values)]
      .map((value): [string, number] => [value, values.filter((each) => each === value).length])
      .sort(([a, first], [b, second]) => second - first || (a < b ? -1 : 1))
      .slice(0, most);
  const turns = memories.filter(({ metadata }) => metadata['kind'] === 'conversation');
  const growth = ZONES.map((name) => {
    const zone = new TimeZone(name);
    const days = memories.map(({ createdAt }) => zone.day(createdAt)).filter((day) => /^\d{4}-/.test(day));
    return counted(days, Infinity).sort(([a], [b]) => (a < b ? -1 : 1));
  });
  return {
    tags: counted(
      memories.flatMap(({ tags }) => tags),
      50,
    ),
    sources: counted(
      memories.map(({ source }) => source).filter((source) => source !== ''),
      20,
    ),
    turns: turns.length,
    conversations: new Set(
      turns.map(({ metadata }) => JSON.stringify([metadata['client'], metadata['session']])),
    ).size,
    growth,
  };
}

async function told(store: SqliteMemoryStore): Promise<object> {
  const { tags, sources, turns, conversations } = await store.stats(MODEL);
  const growth = await Promise.all(ZONES.map((zone) => store.growth(zone)));
  return {
    tags: tags.map(({ tag, count }) => [tag, count]),
    sources: sources.map(({ source, count }) => [source, count]),
    ...{ turns, conversations },
    growth: growth.map((days) => days.map(({ day, count }) => [day, count])),
  };
}

describe('the counts that statistics read', () => {
  test('are what they count after any writes, merges, restores and roll-backs', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        const stores = [openSqliteStore(temporaryFolder()), openSqliteStore(temporaryFolder())];
        await stores[0]?.keepTokenVectors({ modelId: MODEL, name: 'space' });
        for (const each of steps) await act(stores, each);
        for (const store of stores) {
          expect(await store.checkCounts(false)).toEqual([]);
          expect(await told(store)).toEqual(await plain(store));
          expect((await store.checkIntegrity()).problems).toEqual([]);
          await store.close();
        }
      }),
      { numRuns: 25 },
    );
  });

  test.each([
    ['tag_count', `UPDATE tag_count SET count = 7 WHERE tag = 'x'`],
    ['source_count', `DELETE FROM source_count`],
    ['conversation_count', `INSERT INTO conversation_count VALUES ('c', 'none', 1)`],
    ['day_count', `UPDATE day_count SET quarters = json_set(quarters, '$.95', 4)`],
    ['total_count', `UPDATE total_count SET count = 9 WHERE name = 'turns'`],
    ['pending_count', `UPDATE pending_count SET count = 0`],
    ['without_tokens_count', `UPDATE without_tokens_count SET count = 3`],
  ])('of %s are checked, and counted anew', async (table, damage) => {
    const dataDir = temporaryFolder();
    const store = openSqliteStore(dataDir);
    await store.import([
      { text: 'a', tags: ['x'], source: 's', metadata: {} },
      {
        text: 'b',
        tags: [],
        source: '',
        metadata: { kind: 'conversation', session: 's', position: 0, role: 'user' },
      },
    ]);
    await store.keepTokenVectors({ modelId: MODEL, name: 'space' });
    await store.claimPendingEmbeddings({ modelId: MODEL, limit: 1, leaseMs: 0 });
    const before = await told(store);
    const connection = new Connection(databasePath(dataDir));
    connection.exec(damage);
    connection.close();

    const wrong = expect.stringContaining(`the table ${table} differs from what it counts`) as string;
    expect((await store.checkIntegrity()).problems).toContainEqual(wrong);
    expect(await store.checkCounts(true)).toContainEqual(wrong);
    expect(await store.checkCounts(false)).toEqual([]);
    expect((await store.checkIntegrity()).problems).toEqual([]);
    expect(await told(store)).toEqual(before);
  });

  test.each([
    ['DELETE FROM chunk WHERE version = 1 AND start_offset = 0', 2],
    ['DELETE FROM chunk WHERE version = 1', 1],
    ['UPDATE chunk SET tokens = -1 WHERE version = 1 AND start_offset = 0', 2],
    ['UPDATE chunk SET tokens = -1 WHERE version = 1', 1],
    ['UPDATE chunk SET tokens = -1; UPDATE chunk SET tokens = 5 WHERE version = 2', 1],
    ['UPDATE chunk SET version = 2', 1],
    ['UPDATE chunk SET version = 3', 0],
    [
      'UPDATE version SET num = 2 WHERE key = 3; UPDATE chunk SET version = 3; UPDATE memory SET current = 3 WHERE num = 2',
      1,
    ],
    [`UPDATE memory SET state = 'deleted' WHERE num = 1`, 1],
    [`UPDATE memory SET state = 'deleted'; UPDATE memory SET state = 'live' WHERE num = 1`, 1],
    [`INSERT INTO chunk SELECT 99, 2, model, 8, 9, vector, 0 FROM chunk LIMIT 1`, 2],
    ['DELETE FROM token_space; INSERT INTO token_space SELECT id, $$again$$ FROM model', 2],
  ])('of memories without token vectors follow: %s', async (sql, count) => {
    const dataDir = temporaryFolder();
    const store = openSqliteStore(dataDir);
    await store.keepTokenVectors({ modelId: MODEL, name: 'space' });
    const added = await store.add(
      ['a', 'b', 'c'].map((text) => ({ text, tags: [], source: '', metadata: {} })),
    );
    await store.delete([added[2]?.memory.id ?? '']);
    const claimed = await store.claimPendingEmbeddings({ modelId: MODEL, limit: 2, leaseMs: 0 });
    const vector = encodeVector(unitVector(4, 1));
    const chunks = [0, 1].map((start) => ({ start, end: start + 1, vector }));
    await store.putEmbeddings(
      MODEL,
      claimed.map(({ versionKey }) => ({ versionKey, chunks })),
    );
    expect((await store.stats(MODEL)).withoutTokens).toBe(2);
    const connection = new Connection(databasePath(dataDir));
    connection.exec(sql.replaceAll('$$', `'`));
    connection.close();
    expect((await store.stats(MODEL)).withoutTokens).toBe(count);
    expect(await store.checkCounts(false)).toEqual([]);
  });

  test('of memories without token vectors have those that a merge brings with their vectors', async () => {
    const [here, there] = [openSqliteStore(temporaryFolder()), openSqliteStore(temporaryFolder())];
    await here.keepTokenVectors({ modelId: MODEL, name: 'space' });
    await there.add([{ text: 'a', tags: [], source: '', metadata: {} }]);
    const [claimed] = await there.claimPendingEmbeddings({ modelId: MODEL, limit: 1, leaseMs: 0 });
    const chunks = [{ start: 0, end: 1, vector: encodeVector(unitVector(4, 1)) }];
    await there.putEmbeddings(MODEL, [{ versionKey: claimed?.versionKey ?? 0, chunks }]);
    await apply(assembleReplica(here.replica), 'merge', await snapshotOf(assembleReplica(there.replica)));
    expect(await here.stats(MODEL)).toMatchObject({ embedded: 1, withoutTokens: 1 });
    expect(await here.checkCounts(false)).toEqual([]);
  });
});
