import type { MemoryFilter } from '../../memory/filter.ts';
import type { MemoryContent } from '../../memory/version.ts';
import { indexedText, queryTerms, type QueryTerm } from '../../memory/words.ts';
import type { Candidate, CandidateRequest } from '../memory-store.ts';
import { type Connection, Query, type SqlValue } from './connection.ts';
import { filterCondition, matchesAll } from './filter.ts';
import { type FilterSets, flagsOf } from './filter-sets.ts';
import { type ContentRow, toContent } from './rows.ts';

const insertWords = new Query<[num: number, text: string, tags: string]>(
  'INSERT INTO word (rowid, text, tags) VALUES (?, ?, ?)',
);
/** FTS5 finds the entries by the words, so the text must be the one that was indexed. */
const deleteWords = new Query<[num: number, text: string, tags: string]>(
  `INSERT INTO word (word, rowid, text, tags) VALUES ('delete', ?, ?, ?)`,
);
const selectLive = new Query<[num: number], ContentRow>(
  `SELECT v.text, v.tags, v.source, v.metadata, v.created_at, v.updated_at
   FROM memory m JOIN version v ON v.key = m.current WHERE m.num = ? AND m.state = 'live'`,
);

/**
 * The index covers only the beginning of longer texts. Another machine may write a text of ten million characters in
 * a script without spaces, and splitting it needs a gigabyte of memory.
 */
const INDEXED_CHARACTERS = 250_000;

type IndexedContent = Pick<MemoryContent, 'text' | 'tags'>;

/**
 * The memories whose words a transaction changes. `apply` writes them to the full-text index at the end of the
 * transaction and in the order of its rows, because FTS5 flushes its buffer when other statements come in between or
 * row numbers go back.
 */
export class ChangedWords {
  /** For each number of a memory: the content that the index had before the transaction; null when it had none. */
  readonly #indexed = new Map<number, IndexedContent | null>();

  note(num: number, indexed: IndexedContent | null): void {
    if (!this.#indexed.has(num)) this.#indexed.set(num, indexed);
  }

  /** Updates the index from the rows of the memories. */
  apply(connection: Connection): void {
    const changes = [...this.#indexed].sort(([a], [b]) => a - b);
    this.#indexed.clear();
    for (const [num, indexed] of changes) {
      if (indexed !== null) deleteWords.run(connection, num, ...indexedColumns(indexed));
      const live = selectLive.get(connection, num);
      if (live !== undefined) insertWords.run(connection, num, ...indexedColumns(toContent(live)));
    }
  }
}

function indexedColumns({ text, tags }: IndexedContent): [text: string, tags: string] {
  return [indexedText(text.slice(0, INDEXED_CHARACTERS)), indexedText(tags.join(' '))];
}

/**
 * The full-text index without tombstones: with the option `secure-delete`, FTS5 takes the words of a removed memory
 * out of its pages in the same transaction, however large the index is.
 */
const WORD_TABLE = `
DROP TABLE IF EXISTS word;
CREATE VIRTUAL TABLE word USING fts5 (
  text, tags, content = '',
  tokenize = "porter unicode61 remove_diacritics 2 categories 'L* N* Co M*'"
);
INSERT INTO word (word, rank) VALUES ('secure-delete', 1);
`;

/** Creates the index anew and fills it. */
export function recreateWords(connection: Connection): void {
  connection.exec(WORD_TABLE);
  rebuildWords(connection);
}

const selectNext = new Query<[after: number, limit: number], { num: number }>(
  `SELECT num FROM memory WHERE state = 'live' AND num > ? ORDER BY num LIMIT ?`,
);
const REBUILT_AT_ONCE = 500;

/** Rebuilds the whole index, after a change of the rules of `indexedText`. */
export function rebuildWords(connection: Connection): void {
  connection.exec(`INSERT INTO word (word) VALUES ('delete-all')`);
  for (let after = 0; ;) {
    const rows = selectNext.all(connection, after, REBUILT_AT_ONCE);
    const last = rows.at(-1);
    if (last === undefined) return;
    const words = new ChangedWords();
    for (const { num } of rows) words.note(num, null);
    words.apply(connection);
    after = last.num;
  }
}

/** `lengths`: the tokens of each column, in hexadecimal because many small blobs take long to read. */
type ScoredRow = [id: string, num: number, score: number, lengths: string, isTurn: number];

/** So many of the best by BM25 are ranked again with smoothed lengths; 100 to 600 find the same. */
const POOL = 200;
/** Constants of FTS5's BM25, which cannot be set. */
const K1 = 1.2;
const B = 0.75;
/** Added to every length, in tokens: without it the shortest texts win, which tend to say little. */
const SMOOTHING_TOKENS = 40;

const selectUnfiltered = new Query<[query: string, limit: number], ScoredRow>(
  `SELECT m.id, m.num, w.score, hex(d.sz), m.kind = 'conversation'
   FROM (SELECT rowid AS num, -bm25(word) AS score FROM word WHERE word MATCH ?
         ORDER BY bm25(word), rowid DESC LIMIT ?) w
     JOIN memory m ON m.num = w.num JOIN word_docsize d ON d.id = w.num`,
);
const selectAverages = new Query<[], { block: string }>(
  'SELECT hex(block) AS block FROM word_data WHERE id = 1',
);

/**
 * Best memories by BM25 with smoothed lengths, the newer first among equals. The full-text index holds live memories
 * only. Exact for a term that occurs once in the text, and close to BM25 computed anew otherwise.
 */
export function wordCandidates(
  connection: Connection,
  { words, filter, limit }: Pick<CandidateRequest, 'words' | 'filter' | 'limit'>,
  sets: FilterSets,
): Candidate[] {
  const query = words === undefined ? null : fullTextQuery(words);
  if (query === null) return [];
  const pool = { query, limit: Math.max(POOL, limit) };
  const rows = matchesAll(filter)
    ? selectUnfiltered.arrays(connection, pool.query, pool.limit)
    : filtered(connection, { filter, sets, ...pool });
  if (rows.length === 0) return [];
  const average = averageLength(connection);
  return rows
    .map(([id, num, score, lengths, isTurn]) => ({
      num,
      candidate: { id, score: score * smoothing(lengths, average), ...(isTurn === 1 ? IS_TURN : {}) },
    }))
    .sort((a, b) => b.candidate.score - a.candidate.score || b.num - a.num)
    .slice(0, limit)
    .map(({ candidate }) => candidate);
}

const IS_TURN = { isTurn: true } as const;

const countMatches = new Query<[query: string], { count: number }>(
  'SELECT count(*) AS count FROM word WHERE word MATCH ?',
);
const LEAST_IDF = 1e-6;

/** About the most that a text can score by BM25 for these words, as if it repeated each of them without end. */
export function wordBound(connection: Connection, words: string): number {
  const { rows } = totals(connection);
  const idf = (term: QueryTerm): number => {
    const matches = countMatches.get(connection, termQuery(term))?.count ?? 0;
    return Math.max(LEAST_IDF, Math.log((rows - matches + 0.5) / (matches + 0.5)));
  };
  return (K1 + 1) * sum(queryTerms(words).map(idf));
}

/** What a text's BM25 is multiplied with, to be what it were if all texts were `SMOOTHING_TOKENS` longer. */
function smoothing(lengths: string, average: number): number {
  const length = sum(readVarints(lengths));
  const before = length / average;
  const after = (length + SMOOTHING_TOKENS) / (average + SMOOTHING_TOKENS);
  return (1 + K1 * (1 - B + B * before)) / (1 + K1 * (1 - B + B * after));
}

/** Tokens of a memory on average. */
function averageLength(connection: Connection): number {
  const { rows, tokens } = totals(connection);
  return Math.max(1, tokens / Math.max(1, rows));
}

/** As FTS5 keeps them: the number of rows, then the tokens of each column. */
function totals(connection: Connection): { readonly rows: number; readonly tokens: number } {
  const block = selectAverages.get(connection)?.block;
  const [rows = 0, ...tokens] = block === undefined ? [] : readVarints(block);
  return { rows, tokens: sum(tokens) };
}

/** SQLite's variable-length integers of at most eight bytes: seven bits a byte, the highest bit set but in the last. */
function readVarints(hex: string): number[] {
  const values: number[] = [];
  let value = 0;
  for (let index = 0; index < hex.length; index += 2) {
    const byte = hexDigit(hex, index) * 16 + hexDigit(hex, index + 1);
    value = value * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    values.push(value);
    value = 0;
  }
  return values;
}

/** SQLite writes them with capitals. */
function hexDigit(hex: string, index: number): number {
  const code = hex.charCodeAt(index);
  return code <= 0x39 ? code - 0x30 : code - 0x37;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** A set of at most this part of the memories saves more scores than it costs to read. */
const WORTH_A_SET = 0.4;
/** How many more matches than the estimate are looked at. */
const SPARE = 1.5;
const SPARE_AT_LEAST = 50;
/** Matches that are looked up at once. */
const LOOKED_UP = 300;

interface FilteredWords {
  readonly query: string;
  readonly filter: MemoryFilter;
  readonly sets: FilterSets;
  readonly limit: number;
}

/** The best matches that pass the filter. */
function filtered(connection: Connection, words: FilteredWords): ScoredRow[] {
  const { filter, sets, limit } = words;
  const plan = sets.plan(filter, WORTH_A_SET);
  const count = Math.ceil((limit * SPARE) / Math.max(plan.pass, limit / MOST_TRIED)) + SPARE_AT_LEAST;
  const found = amongBest(connection, words, { set: plan.set, count });
  return found ?? amongBest(connection, words, { set: sets.whole(filter).set, count: -1 }) ?? [];
}

/** Of the first try. */
const MOST_TRIED = 5_000;

type LookedUp = [place: number, id: string, lengths: string, isTurn: number];

/**
 * Ranks the matches in the set, and takes the best that pass the filter.
 * @param among.count so many of the best are looked at; -1 = all
 * @returns null when too few of those pass
 */
function amongBest(
  connection: Connection,
  { query, filter, limit }: FilteredWords,
  { set, count }: { readonly set: Int32Array | null; readonly count: number },
): ScoredRow[] | null {
  const condition = filterCondition(filter, true, 'each');
  const lookUp = new Query<SqlValue[], LookedUp>(
    `SELECT hit.key, m.id, hex(d.sz), m.kind = 'conversation'
     FROM json_each(?) hit CROSS JOIN memory m ON m.num = hit.value CROSS JOIN word_docsize d ON d.id = m.num
     WHERE ${condition.sql} ORDER BY hit.key`,
  );
  const best = bestMatches(connection, query, { set, count });
  const rows: ScoredRow[] = [];
  for (let from = 0; from < best.length && rows.length < limit; from += LOOKED_UP) {
    const some = best.slice(from, from + LOOKED_UP);
    const nums = JSON.stringify(some.map(([num]) => num));
    for (const [place, id, lengths, isTurn] of lookUp.arrays(connection, nums, ...condition.parameters)) {
      const [num, score] = some[place] ?? [0, 0];
      rows.push([id, num, score, lengths, isTurn]);
    }
  }
  return rows.length >= limit || best.length !== count ? rows.slice(0, limit) : null;
}

const selectBest = new Query<[query: string, limit: number], [num: number, score: number]>(
  'SELECT rowid, -bm25(word) FROM word WHERE word MATCH ? ORDER BY bm25(word), rowid DESC LIMIT ?',
);
/** SQLite reads one byte of a blob without looking at the others. */
const selectBestInSet = new Query<
  [query: string, flags: Uint8Array, limit: number],
  [num: number, score: number]
>(
  `SELECT rowid, -bm25(word) FROM word WHERE word MATCH ? AND substr(?, rowid + 1, 1) = x'01'
   ORDER BY bm25(word), rowid DESC LIMIT ?`,
);

function bestMatches(
  connection: Connection,
  query: string,
  { set, count }: { readonly set: Int32Array | null; readonly count: number },
): [num: number, score: number][] {
  return set === null
    ? selectBest.arrays(connection, query, count)
    : selectBestInSet.arrays(connection, query, flagsOf(set), count);
}

/**
 * A free text as an FTS5 query. Every term is quoted and contains only letters, digits and spaces, so the text cannot
 * contain query syntax.
 * @returns null when the text has no term
 */
export function fullTextQuery(text: string): string | null {
  const terms = queryTerms(text);
  if (terms.length === 0) return null;
  return terms.map(termQuery).join(' OR ');
}

function termQuery({ words, prefix }: QueryTerm): string {
  return `"${words.join(' ')}"${prefix ? ' *' : ''}`;
}
