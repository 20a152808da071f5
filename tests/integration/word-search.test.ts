import { describe, expect, onTestFinished, test } from 'vitest';
import { queryTerms } from '../../src/memory/words.ts';
import { CandidateRows } from '../../src/store/sqlite/candidate-rows.ts';
import { Connection, Query } from '../../src/store/sqlite/connection.ts';
import { showOccurrences, termQuery, WordTokenizer } from '../../src/store/sqlite/full-text.ts';
import { FilterSets } from '../../src/store/sqlite/filter-sets.ts';
import { type FoundWords, WordSearch } from '../../src/store/sqlite/word-search.ts';
import { draft } from '../helpers/drafts.ts';
import { databasePath, openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';

const PARTS = [
  'The café closes at 18:30 🎉 and opens again tomorrow',
  'foo_bar calls getUserName2 in v1.2.3 of C++',
  '我们在北京开会 and 東京でも会議',
  'Straße, STRASSE and ﬁligree; naïve co-operation at 3.14',
  'Wir haben die Datenbanken gesichert',
  'running runners ran in the relational happy skies',
];
const QUERIES = [
  'café',
  'running happy relations',
  'foo_bar getUserName2 C++',
  '北京 会議',
  'Wo sind die gesicherten Datenbanken?',
  'co-operation at 3.14',
  'v1.2.3 🎉 tomorrow',
  'number7 number11 cafés opened',
  'nothing of all this',
];

/** A number of texts of different lengths, with words that some of them repeat. */
function texts(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const parts = Array.from(
      { length: 1 + (index % 4) },
      (_, more) => PARTS[(index * 7 + more * more) % PARTS.length],
    );
    return `${parts.join('. ')} number${index % 17}`;
  });
}

interface Scored {
  id: string;
  score: number;
  /** Tokens of each column. */
  size: string;
}

const selectBm25 = new Query<[query: string], Scored>(
  `SELECT m.id, -bm25(word) AS score, hex(d.sz) AS size
   FROM word JOIN memory m ON m.num = word.rowid JOIN word_docsize d ON d.id = word.rowid WHERE word MATCH ?
   ORDER BY bm25(word), word.rowid DESC`,
);

/** A connection of its own to a store, and a search on it. */
function openSearch(dataDir: string): { connection: Connection; search: WordSearch } {
  const connection = new Connection(databasePath(dataDir));
  showOccurrences(connection);
  const search = new WordSearch();
  onTestFinished(() => {
    search.close();
    connection.close();
  });
  return { connection, search };
}

/** By FTS5's own function; lengths are not smoothed. */
function byFts5(connection: Connection, words: string): readonly Scored[] {
  const query = queryTerms(words).map(termQuery).join(' OR ');
  return query === '' ? [] : selectBm25.all(connection, query);
}

/** A request without a filter. */
function all(connection: Connection, limit: number): Parameters<FoundWords['best']>[0] {
  return { filter: {}, sets: new FilterSets(connection), rows: new CandidateRows(connection), limit };
}

describe('the search by words', () => {
  test('finds what FTS5 finds, and scores it alike before lengths are smoothed', async () => {
    const dataDir = temporaryFolder();
    const store = openSqliteStore(dataDir);
    await store.add(texts(90).map((text, index) => draft(text, { tags: [`tag${index}`, 'happy'] })));
    const { connection, search } = openSearch(dataDir);
    for (const words of QUERIES) {
      const expected = byFts5(connection, words);
      const found = search.find(connection, words).best(all(connection, 1_000));
      expect(found.map(({ id }) => id).sort(), words).toEqual(expected.map(({ id }) => id).sort());
      const scores = new Map(found.map(({ id, score }) => [id, score]));
      // Smoothing multiplies the scores of texts of one length with one factor.
      const factors = new Map<string, number>();
      for (const { id, score, size } of expected) {
        const factor = (scores.get(id) ?? NaN) / score;
        expect(factor, words).toBeCloseTo(factors.get(size) ?? factor, 9);
        factors.set(size, factor);
      }
    }
  });

  test('follows changes of another connection, and of lengths', async () => {
    const dataDir = temporaryFolder();
    const store = openSqliteStore(dataDir);
    const added = await store.add([draft('red fox'), draft('red fox in the garden'), draft('blue whale')]);
    const { connection, search } = openSearch(dataDir);
    const find = (words: string): unknown[] => search.find(connection, words).best(all(connection, 10));
    expect(find('fox')).toHaveLength(2);
    await store.update(added[0]?.memory.id ?? '', { text: `red fox ${'with many other words '.repeat(30)}` });
    await store.delete([added[2]?.memory.id ?? '']);
    await store.add([draft('the fox is new')]);
    const fresh = openSearch(dataDir);
    expect(find('fox')).toEqual(fresh.search.find(fresh.connection, 'fox').best(all(fresh.connection, 10)));
    expect(find('whale')).toEqual([]);
  });

  test.each([3, 246, 250])(
    'shorter texts come first, of equal ones the newer: the best %d',
    async (limit) => {
      const dataDir = temporaryFolder();
      const store = openSqliteStore(dataDir);
      const fillers = Array.from({ length: 300 }, (_, index) => (index * 7) % 60);
      const drafts = fillers.map((count) => draft(`red fox${' and more'.repeat(count)}`));
      const outcomes = await store.add(drafts, { allowDuplicates: true });
      const { connection, search } = openSearch(dataDir);
      const found = search.find(connection, 'fox').best(all(connection, limit));
      const expected = outcomes
        .map(({ memory }, index) => ({ id: memory.id, index, count: fillers[index] ?? 0 }))
        .sort((a, b) => a.count - b.count || b.index - a.index);
      expect(found.map(({ id }) => id)).toEqual(expected.slice(0, limit).map(({ id }) => id));
    },
  );

  test('a filter leaves the others in their order', async () => {
    const dataDir = temporaryFolder();
    const store = openSqliteStore(dataDir);
    await store.add(
      texts(300).map((text, index) => draft(`${text} ${index}`, { tags: index % 3 === 0 ? ['third'] : [] })),
    );
    const { connection, search } = openSearch(dataDir);
    const found = search.find(connection, 'running cafe');
    const tagged = new Set(await store.matching({ tagsAny: ['third'] }));
    const everything = all(connection, 1_000);
    const expected = found.best(everything).filter(({ id }) => tagged.has(id));
    expect(found.best({ ...everything, filter: { tagsAny: ['third'] } })).toEqual(expected);
    expect(expected.length).toBeGreaterThan(10);
  });
});

test('a word has the tokens that the index has', () => {
  const tokenizer = new WordTokenizer();
  onTestFinished(() => {
    tokenizer.close();
  });
  expect(tokenizer.tokensOf('running')).toEqual(['run']);
  expect(tokenizer.tokensOf('naïve')).toEqual(['naiv']);
  expect(tokenizer.tokensOf('skies')).toEqual(['ski']);
  expect(tokenizer.tokensOf('3')).toEqual(['3']);
  expect(tokenizer.tokensOf('running')).toEqual(['run']);
});
