import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MemoryFilter } from '../../src/memory/filter.ts';
import type { MemoryDraft } from '../../src/memory/memory.ts';
import { queryTerms } from '../../src/memory/words.ts';
import type { Candidate } from '../../src/store/memory-store.ts';
import { CandidateRows } from '../../src/store/sqlite/candidate-rows.ts';
import { Connection } from '../../src/store/sqlite/connection.ts';
import { filterCondition } from '../../src/store/sqlite/filter.ts';
import { FilterSets } from '../../src/store/sqlite/filter-sets.ts';
import { showOccurrences, termQuery } from '../../src/store/sqlite/full-text.ts';
import { SqliteMemoryStore } from '../../src/store/sqlite/sqlite-memory-store.ts';
import { VectorSearch } from '../../src/store/sqlite/vector-search.ts';
import { WordSearch } from '../../src/store/sqlite/word-search.ts';
import { ExactIndex } from '../../src/vector/exact-index.ts';
import { databasePath } from '../helpers/sqlite-store.ts';
import { encodeVector } from '../helpers/vectors.ts';

const MODEL = { modelId: 'test', dimension: 4, weightsHash: '' };
const DAY = 86_400_000;
const COUNT = 1_200;
/** As many as the store looks at before it smooths the lengths. */
const POOL = 200;

/** Numbers from 0 to n - 1 that look random and are the same each time. */
function scattered(number: number, n: number): number {
  return Math.floor(((Math.imul(number + 1, 2_654_435_761) >>> 0) / 2 ** 32) * n);
}

function memory(number: number): MemoryDraft {
  const isTurn = number % 4 === 3;
  // Less than half of the texts, because a word in half of them weighs nothing.
  const isOdd = number % 2 === 1 && number % 10 !== 1;
  return {
    text: `word${scattered(number, 3)} word${scattered(number * 7, 5)} ${isOdd ? 'odd odd odd' : ''} ${'filler '.repeat(scattered(number * 3, 60))} end${number}`,
    tags: [
      `tag${scattered(number * 11, 20)}`,
      ...(number % 2 === 0 ? ['even'] : []),
      ...(scattered(number, 3) === 0 ? ['zero'] : []),
    ],
    source: `${['app', 'web'][number % 2] ?? ''}/part${scattered(number * 5, 10)}`,
    createdAt: scattered(number * 13, 100) * DAY,
    metadata: {
      project: `p${scattered(number * 17, 3)}`,
      ...(number % 5 === 0 ? { occurred_at: new Date(scattered(number, 50) * DAY).toISOString() } : {}),
      ...(number % 3 === 0 ? { expires: new Date(scattered(number * 19, 100) * DAY).toISOString() } : {}),
      ...(isTurn
        ? {
            ...{ kind: 'conversation', session: `s${number % 9}`, position: number },
            ...{ role: 'user', client: number % 8 === 3 ? 'a' : 'b' },
          }
        : { pinned: number % 50 === 0 }),
    },
  };
}

const day = fc.integer({ min: 0, max: 100 }).map((at) => at * DAY);
const filters: fc.Arbitrary<MemoryFilter> = fc
  .record(
    {
      tagsAny: fc.subarray(['tag1', 'tag2', 'even', 'zero', 'absent'], { minLength: 1 }),
      tagsAll: fc.subarray(['tag3', 'even', 'zero'], { minLength: 1 }),
      sourcePrefix: fc.constantFrom('app/', 'web/part1', 'w', 'none'),
      metadata: fc.constantFrom({ project: 'p1' }, { kind: 'conversation' }, { project: 'p0', position: 3 }),
      createdAfter: day,
      createdBefore: day,
      updatedAfter: day,
      kind: fc.constantFrom('fact' as const, 'conversation' as const),
      session: fc.constantFrom('s3', 's5'),
      client: fc.constantFrom('a', 'b', 'c'),
      occurredAfter: day,
      occurredBefore: day,
      unexpiredAt: day,
      expiredAt: day,
      pinned: fc.boolean(),
      during: fc.record({ start: day, end: fc.constantFrom(20 * DAY, 60 * DAY, Infinity) }),
    },
    { requiredKeys: [] },
  )
  .map((all) => {
    // Of all conditions at once none would pass.
    const kept = Object.entries(all).slice(0, 3);
    return Object.fromEntries(kept);
  });

describe('a filtered search', () => {
  let dataDir: string;
  let store: SqliteMemoryStore;
  let connection: Connection;
  const wordSearch = new WordSearch();
  const index = new ExactIndex(MODEL.dimension);
  const search = new VectorSearch((dimension) => Promise.resolve(new ExactIndex(dimension)));

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'faiss-memory-test-'));
    store = new SqliteMemoryStore({
      dataDir,
      now: () => 100 * DAY,
      createVectorIndex: (dimension) => Promise.resolve(new ExactIndex(dimension)),
    });
    await store.import(Array.from({ length: COUNT }, (_, number) => memory(number)));
    const pending = await store.claimPendingEmbeddings({ modelId: MODEL, limit: COUNT, leaseMs: 0 });
    await store.putEmbeddings(
      MODEL,
      pending.map(({ versionKey, text }) => ({
        versionKey,
        chunks: vectorsOf(text).map((vector, start) => ({ start, end: start + 1, vector })),
      })),
    );
    const [first, second] = await store.matching({ tagsAll: ['even', 'zero'] });
    await store.delete([first ?? '']);
    await store.update(second ?? '', { tags: ['tag1'], source: 'app/moved' });
    connection = new Connection(databasePath(dataDir));
    showOccurrences(connection);
    const rows = connection
      .statement(`SELECT label, vector FROM chunk JOIN memory ON current = version WHERE state = 'live'`)
      .all() as { label: number; vector: Uint8Array }[];
    index.add(
      Int32Array.from(rows, ({ label }) => label),
      Buffer.concat(rows.map(({ vector }) => vector)),
    );
    await search.prepare(MODEL);
    return async () => {
      wordSearch.close();
      connection.close();
      await store.close();
      rmSync(dataDir, { recursive: true });
    };
  });

  /** Texts with an even end lie near one corner, so that their filter and a question can be far apart. */
  function vectorsOf(text: string): Uint8Array[] {
    const number = Number(/end(\d+)/.exec(text)?.[1]);
    return Array.from({ length: 1 + (number % 3 === 0 ? 1 : 0) }, (_, part) => {
      const near = number % 2 === 0 ? [1, 0] : [0, 1];
      const raw = [
        ...near,
        scattered(number * 23 + part, 100) / 200,
        scattered(number * 29 + part, 100) / 200,
      ];
      const length = Math.hypot(...raw);
      return encodeVector(Float32Array.from(raw, (value) => value / length));
    });
  }

  function matching(filter: MemoryFilter): Set<string> {
    const { sql, parameters } = filterCondition(filter, true, 'each');
    const statement = connection.statement(`SELECT id FROM memory m WHERE state = 'live' AND ${sql}`);
    return new Set((statement.all(...parameters) as { id: string }[]).map(({ id }) => id));
  }

  /** Compares every vector. */
  function plainVectors(vector: Float32Array, filter: MemoryFilter, limit: number): [string, number][] {
    const owner = connection.statement(
      'SELECT m.id FROM chunk c JOIN version v ON v.key = c.version JOIN memory m ON m.num = v.num WHERE c.label = ?',
    );
    const wanted = matching(filter);
    const best = new Map<string, number>();
    for (const { label, score } of index.search(vector, index.count)) {
      const { id } = owner.get(label) as { id: string };
      if (wanted.has(id) && !best.has(id)) best.set(id, score);
    }
    return [...best].slice(0, limit);
  }

  const inOneTransaction = (): { sets: FilterSets; rows: CandidateRows } => ({
    sets: new FilterSets(connection),
    rows: new CandidateRows(connection),
  });

  /** Ranks all matches, and leaves out those that do not pass. */
  function plainWords(words: string, filter: MemoryFilter, limit: number): [string, number][] {
    const everything = { ...inOneTransaction(), filter: {}, limit: COUNT };
    const found = wordSearch.find(connection, words).best(everything);
    const scores = new Map(found.map(({ id, score }) => [id, score]));
    const wanted = matching(filter);
    const ranked = connection
      .statement(
        'SELECT m.id, m.num FROM word JOIN memory m ON m.num = word.rowid WHERE word MATCH ? ORDER BY bm25(word), num DESC',
      )
      .all(queryTerms(words).map(termQuery).join(' OR ')) as { id: string; num: number }[];
    return ranked
      .filter(({ id }) => wanted.has(id))
      .slice(0, Math.max(POOL, limit))
      .map(({ id, num }) => ({ id, num, score: scores.get(id) ?? NaN }))
      .sort((a, b) => b.score - a.score || b.num - a.num)
      .slice(0, limit)
      .map(({ id, score }) => [id, score]);
  }

  function expectPlain(filter: MemoryFilter, limit: number, corner: 0 | 1): void {
    const vector = Float32Array.of(1 - corner, corner, 0, 0);
    const words = ['word1 word2 filler', 'odd odd filler'][corner] ?? '';
    const listed = (candidates: readonly Candidate[]): [string, number][] =>
      candidates.map(({ id, score }) => [id, score]);
    const wanted = { ...inOneTransaction(), filter, limit };
    expect(listed(search.candidates(connection, { modelId: MODEL, vector }, wanted))).toEqual(
      plainVectors(vector, filter, limit),
    );
    const plain = plainWords(words, filter, limit);
    expect(listed(wordSearch.find(connection, words).best(wanted))).toEqual(plain);
  }

  test('finds exactly what a comparison with everything finds, whatever the filter', () => {
    fc.assert(
      fc.property(filters, fc.constantFrom(1, 7, 50), fc.constantFrom(0 as const, 1 as const), expectPlain),
      { numRuns: 80 },
    );
  });

  test.each([
    ['is far from the question', { tagsAny: ['even'] }],
    [
      'holds for few, and no index covers it',
      { unexpiredAt: 99 * DAY, pinned: false, kind: 'fact' as const },
    ],
    [
      'has conditions that hold for many each and for few together',
      { tagsAll: ['even', 'zero'], expiredAt: 60 * DAY },
    ],
  ])('also finds it when the filter %s', (_, filter) => {
    for (const limit of [1, 40, 200, 400])
      for (const corner of [0, 1] as const) expectPlain(filter, limit, corner);
  });
});
