import type { MemoryFilter } from '../../memory/filter.ts';
import { indexedText, queryTerms } from '../../memory/words.ts';
import type { Candidate, CandidateRequest } from '../memory-store.ts';
import { type Connection, Query, type SqlValue } from './connection.ts';
import { filterCondition, matchesAll } from './filter.ts';
import { type ContentRow, toContent } from './rows.ts';

const insertWords = new Query<[num: number, text: string, tags: string]>(
  'INSERT INTO word (rowid, text, tags) VALUES (?, ?, ?)',
);
const deleteWords = new Query<[num: number]>('DELETE FROM word WHERE rowid = ?');
const selectLive = new Query<[num: number], ContentRow>(
  `SELECT v.text, v.tags, v.source, v.metadata, v.created_at, v.updated_at
   FROM memory m JOIN version v ON v.key = m.current WHERE m.num = ? AND m.state = 'live'`,
);

/**
 * The index covers only the beginning of longer texts. Another machine may write a text of ten million characters in
 * a script without spaces, and splitting it needs a gigabyte of memory.
 */
const INDEXED_CHARACTERS = 250_000;

/**
 * The memories whose words a transaction changes. `apply` writes them to the full-text index at the end of the
 * transaction and in the order of its rows, because FTS5 flushes its buffer when other statements come in between or
 * row numbers go back.
 */
export class ChangedWords {
  /** For each number of a memory: true when the index contained it before the transaction. */
  readonly #wasIndexed = new Map<number, boolean>();

  note(num: number, wasIndexed: boolean): void {
    if (!this.#wasIndexed.has(num)) this.#wasIndexed.set(num, wasIndexed);
  }

  /** Updates the index from the rows of the memories. */
  apply(connection: Connection): void {
    const changes = [...this.#wasIndexed].sort(([a], [b]) => a - b);
    this.#wasIndexed.clear();
    for (const [num, wasIndexed] of changes) {
      if (wasIndexed) deleteWords.run(connection, num);
      const live = selectLive.get(connection, num);
      if (live === undefined) continue;
      const { text, tags } = toContent(live);
      insertWords.run(
        connection,
        num,
        indexedText(text.slice(0, INDEXED_CHARACTERS)),
        indexedText(tags.join(' ')),
      );
    }
  }
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
    for (const { num } of rows) words.note(num, false);
    words.apply(connection);
    after = last.num;
  }
}

/** Rewrites the index, so that it contains no word of a removed text. */
export function forgetRemovedWords(connection: Connection): void {
  connection.exec(`INSERT INTO word (word) VALUES ('optimize')`);
}

interface ScoredRow {
  id: string;
  score: number;
}

const selectUnfiltered = new Query<[query: string, limit: number], ScoredRow>(
  `SELECT m.id, w.score
   FROM (SELECT rowid AS num, -bm25(word) AS score FROM word WHERE word MATCH ?
         ORDER BY bm25(word), rowid DESC LIMIT ?) w JOIN memory m ON m.num = w.num
   ORDER BY w.score DESC, w.num DESC`,
);

/** Best live memories by BM25; among equal scores the newer memory is first. */
export function wordCandidates(
  connection: Connection,
  { words, filter, limit }: Pick<CandidateRequest, 'words' | 'filter' | 'limit'>,
): Candidate[] {
  const query = words === undefined ? null : fullTextQuery(words);
  if (query === null) return [];
  const rows = matchesAll(filter)
    ? selectUnfiltered.all(connection, query, limit)
    : filtered(connection, filter, { query, limit });
  return rows.map(({ id, score }) => ({ id, score }));
}

/** CROSS JOIN keeps the full-text index in the outer loop; in the inner one it would be searched once per memory. */
function filtered(
  connection: Connection,
  filter: MemoryFilter,
  { query, limit }: { readonly query: string; readonly limit: number },
): ScoredRow[] {
  const condition = filterCondition(filter, true);
  return new Query<SqlValue[], ScoredRow>(
    `SELECT m.id, -bm25(word) AS score FROM word CROSS JOIN memory m ON m.num = word.rowid
     WHERE word MATCH ? AND ${condition.sql} ORDER BY bm25(word), m.num DESC LIMIT ?`,
  ).all(connection, query, ...condition.parameters, limit);
}

/**
 * A free text as an FTS5 query. Every term is quoted and contains only letters, digits and spaces, so the text cannot
 * contain query syntax.
 * @returns null when the text has no term
 */
export function fullTextQuery(text: string): string | null {
  const terms = queryTerms(text);
  if (terms.length === 0) return null;
  return terms.map(({ words, prefix }) => `"${words.join(' ')}"${prefix ? ' *' : ''}`).join(' OR ');
}
