import type { MemoryFilter } from '../../memory/filter.ts';
import { queryTerms } from '../../memory/words.ts';
import type { Candidate, CandidateRequest } from '../memory-store.ts';
import type { Connection } from './connection.ts';
import { filterCondition, matchesAll } from './filter-sql.ts';
import { Query, type SqlValue } from './query.ts';

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
