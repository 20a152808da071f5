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
 * Of a longer text only the beginning can be found by words: taking a text of ten million characters of a script
 * without spaces apart costs a gigabyte of memory, and others may write one.
 */
const INDEXED_CHARACTERS = 250_000;

/**
 * The memories whose words a transaction changes. The full-text index is written at its end and in the order of
 * its rows: it would write out what it has collected at every other statement in between, and whenever the
 * numbers of its rows go back.
 */
export class ChangedWords {
  /** By the number of the memory: whether the index held it before the transaction. */
  readonly #wasIndexed = new Map<number, boolean>();

  note(num: number, wasIndexed: boolean): void {
    if (!this.#wasIndexed.has(num)) this.#wasIndexed.set(num, wasIndexed);
  }

  /** Brings the index up to date with the rows of the memories. */
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

/** Makes the whole index again, for the rules of `indexedText` have changed. */
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

/** Rewrites the index so that no word of a removed text is left in it. */
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

/** Best memories by BM25, the newer first among equals. The full-text index holds live memories only. */
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

/** CROSS JOIN keeps the full-text index in the outer loop: as the inner one it would run once per memory. */
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
 * The terms of a free text in FTS5's language. Every term is quoted and holds nothing but letters, digits and
 * spaces, so no query syntax can get in.
 * @returns null when the text has nothing to look for
 */
export function fullTextQuery(text: string): string | null {
  const terms = queryTerms(text);
  if (terms.length === 0) return null;
  return terms.map(({ words, prefix }) => `"${words.join(' ')}"${prefix ? ' *' : ''}`).join(' OR ');
}
