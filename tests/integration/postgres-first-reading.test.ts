import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { encodeVector } from '../../src/embedding/quantization.ts';
import type { EmbeddingModelId } from '../../src/embedding/embedder.ts';
import type { MemoryDraft } from '../../src/memory/memory.ts';
import { PostgresLog } from '../../src/store/postgres/postgres-log.ts';
import type { SharedLog, VectorPage } from '../../src/store/shared-log.ts';
import type { SqliteMemoryStore } from '../../src/store/sqlite/sqlite-memory-store.ts';
import { assembleReplica } from '../../src/store/worker/client.ts';
import { apply, idOf, snapshotOf } from '../contract/replica/use-replicas.ts';
import { draft } from '../helpers/drafts.ts';
import { openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';
import { describeWithPostgres } from '../helpers/with-postgres.ts';

const FIRST_MODEL: EmbeddingModelId = { modelId: 'one', dimension: 4, weightsHash: '0'.repeat(64) };
const MODELS = [FIRST_MODEL, { ...FIRST_MODEL, modelId: 'two', dimension: 5 }];
/** So small that each reading takes many pages. */
const PAGES = { memories: 5, texts: 7, vectors: 6 };

/** Numbers from 0 to 1 that a seed decides. */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 374_761_393) >>> 0;
    return state / 2 ** 32;
  };
}

const METADATA = [
  {},
  { odd: '\u0000\ud800', n: 1e21, project: 'garden' },
  { kind: 'conversation', session: 's1', role: 'user', client: 'c' },
  { kind: 'conversation', session: 's2', role: 'assistant', client: 'c' },
  { pinned: true, occurred_at: '2025-02-03T00:00:00Z' },
  { expires: '2031-01-01T00:00:00Z', supersedes: idOf(3) },
];

function randomDraft(random: () => number, number: number): MemoryDraft {
  const pick = <Value>(values: readonly Value[]): Value =>
    values[Math.floor(random() * values.length)] as Value;
  const words = ['harbour', 'lantern', 'お茶', 'naïve', 'x-ray 12.5', 'maple'];
  const text = `${pick(words)} number ${number} ${pick(words)} `;
  const tags = random() < 0.5 ? [`tag${number % 3}`, pick(words)] : [];
  const metadata = { ...pick(METADATA), position: number };
  return draft(text, { id: idOf(number), tags, source: pick(['', 'notes', 'mail']), metadata });
}

async function embedSome(
  store: SqliteMemoryStore,
  random: () => number,
  { modelId, limit }: { readonly modelId: EmbeddingModelId; readonly limit: number },
): Promise<void> {
  const pending = await store.claimPendingEmbeddings({ modelId, limit, leaseMs: 1 });
  const vector = (): Uint8Array =>
    encodeVector({
      scale: 0.01,
      data: Int8Array.from({ length: modelId.dimension }, () => Math.floor(random() * 250) - 125),
    });
  await store.putEmbeddings(
    modelId,
    pending.map(({ versionKey, text }) => ({
      versionKey,
      chunks: Array.from({ length: 1 + Math.floor(random() * 3) }, (_, place) => ({
        start: place,
        end: text.length,
        vector: vector(),
      })),
    })),
  );
}

/** One change of any kind, of which there are many. */
async function change(store: SqliteMemoryStore, random: () => number, turn: number): Promise<void> {
  const some = (): string => idOf(Math.floor(random() * 40));
  const kinds: (() => Promise<unknown>)[] = [
    () => store.import([1, 2, 3].map((place) => randomDraft(random, turn * 3 + place))),
    () => store.update(some(), { text: `changed in turn ${turn}` }),
    () => store.update(some(), { tags: ['changed'], metadata: { turn } }),
    () => store.delete([some(), some()]),
    () => store.restore([some()]),
    () => store.purge([some()]),
    () => store.expireTrash(0),
    () => embedSome(store, random, { modelId: MODELS[turn % MODELS.length] ?? FIRST_MODEL, limit: 4 }),
    () => mergeFromElsewhere(store, random, turn),
  ];
  // A memory that is not there, or in a state that forbids the change, is as good as any other.
  await kinds[Math.floor(random() * kinds.length)]?.().catch(() => undefined);
}

/** Conflicts, and memories that another machine erased. */
async function mergeFromElsewhere(
  store: SqliteMemoryStore,
  random: () => number,
  turn: number,
): Promise<void> {
  const other = openSqliteStore(temporaryFolder());
  const replica = assembleReplica(store.replica);
  await apply(assembleReplica(other.replica), 'merge', await snapshotOf(replica));
  const id = idOf(Math.floor(random() * 40));
  const wish = random() < 0.5 ? other.purge([id]) : other.update(id, { text: `elsewhere in turn ${turn}` });
  await wish.catch(() => undefined);
  await store.update(id, { text: `here in turn ${turn}` }).catch(() => undefined);
  const snapshot = await snapshotOf(assembleReplica(other.replica));
  await apply(replica, 'merge', { ...snapshot, hidePurged: true });
  await other.close();
}

function byId<Item extends { readonly id: string }>(items: readonly Item[] = []): Item[] {
  return [...items].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Everything that a store says. Of equals it shows first what it learned first, so lists are put in order. */
async function everything(store: SqliteMemoryStore): Promise<unknown> {
  const { states, ...digests } = await snapshotOf(assembleReplica(store.replica));
  const memories = await store.get(states.map(({ id }) => id));
  const ids = memories.map(({ id }) => id);
  const lists = await Promise.all(
    (['live', 'trash'] as const).map(async (which) =>
      byId((await store.list({ filter: {}, which, order: 'newest', limit: 1_000 })).memories),
    ),
  );
  const found = await Promise.all(
    MODELS.map(async (modelId) => {
      const vector = { modelId, vector: new Float32Array(modelId.dimension).fill(0.5) };
      const words = 'number changed お茶 naive';
      const all = await store.candidates({ filter: {}, limit: 1_000, words, vector });
      return [byId(all.words), byId(all.vectors)];
    }),
  );
  // How a store is connected is its own.
  const stats = { ...(await store.stats(FIRST_MODEL)), bytes: 0, usedBytes: 0, shared: undefined };
  return {
    ...{ digests, states, lists, stats, found },
    memories: byId(memories),
    vectors: await Promise.all(MODELS.map(async (modelId) => byId(await store.vectors(modelId, ids)))),
    conversations: await store.conversations({ filter: {}, limit: 100 }),
  };
}

await describeWithPostgres('the first reading of a space', (server) => {
  const logOf = (url: string, space: string): PostgresLog =>
    new PostgresLog({ url, schema: 'faiss_memory', space }, undefined, PAGES);
  const open = (log: SharedLog): SqliteMemoryStore => openSqliteStore(temporaryFolder(), { log });

  for (const seed of [1, 2, 3]) {
    test(`ends like reading change by change and like coming back after an absence, seed ${seed}`, async () => {
      const url = await server().createDatabase();
      const space = randomUUID();
      const random = numbersFrom(seed);
      const writer = open(logOf(url, space));
      const follower = open(logOf(url, space));
      const absent = open(logOf(url, space));
      await writer.import(Array.from({ length: 30 }, (_, number) => randomDraft(random, number)));
      for (let turn = 11; turn < 70; turn += 1) {
        await change(writer, random, turn);
        await follower.stats();
        if (turn === 30) await absent.stats();
      }
      const fresh = open(logOf(url, space));
      const expected = await everything(follower);
      expect(await everything(fresh)).toEqual(expected);
      expect(await everything(absent)).toEqual(expected);
      for (const store of [fresh, absent, follower]) {
        for (const modelId of MODELS) expect((await store.checkIntegrity(modelId)).problems).toEqual([]);
      }
    });
  }

  test('finds by words before the vectors are there, and by vectors after them without opening anew', async () => {
    const url = await server().createDatabase();
    const writer = open(logOf(url, 'team'));
    await writer.import(Array.from({ length: 40 }, (_, number) => draft(`lantern ${number}`)));
    const modelId = FIRST_MODEL;
    await embedSome(writer, numbersFrom(1), { modelId, limit: 40 });
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const log = logOf(url, 'team');
    let pages = 0;
    const vectors = log.vectors.bind(log);
    log.vectors = async (from): Promise<VectorPage> => {
      pages += 1;
      if (pages > 2) await gate;
      return vectors(from);
    };
    const store = open(log);
    const search = {
      filter: {},
      limit: 100,
      words: 'lantern',
      vector: { modelId, vector: new Float32Array(modelId.dimension).fill(0.5) },
    };
    const early = await store.candidates(search);
    expect(early.words).toHaveLength(40);
    expect(early.vectors.length).toBeLessThan(40);
    expect(early.stale).toMatch(/still/);
    // A write needs the whole space.
    const write = store.add([draft('written meanwhile')]);
    release();
    await write;
    const late = await store.candidates(search);
    expect(late.vectors).toHaveLength(40);
    expect(late.stale).toBeUndefined();
  });
});
