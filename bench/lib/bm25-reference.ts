import { openDatabase } from '../../src/store/sqlite/engine.ts';
import type { Dataset } from './datasets.ts';

const STOP_WORDS = new Set(
  'a an and are as at be but by did do does for from had has have he her his how i in is it its me my of on or she so that the their them they this to was we were what when where which who why will with you your'.split(
    ' ',
  ),
);

/** The reference: plain SQLite FTS5 (`porter unicode61`) with an OR of all words that are not stop words. */
export function bm25Reference(
  dataset: Dataset,
): (question: Dataset['questions'][number], limit: number) => string[] {
  const database = openDatabase(':memory:');
  database.exec(
    "CREATE VIRTUAL TABLE doc USING fts5(id UNINDEXED, partition UNINDEXED, text, tokenize='porter unicode61')",
  );
  const insert = database.prepare('INSERT INTO doc VALUES (?, ?, ?)');
  database.exec('BEGIN');
  for (const { id, partition, text } of dataset.documents) insert.run(id, partition, text);
  database.exec('COMMIT');
  const select = database.prepare(
    'SELECT id FROM doc WHERE doc MATCH ? AND partition = ? ORDER BY bm25(doc) LIMIT ?',
  );
  return (question, limit) => {
    const words = (question.text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).filter(
      (word) => !STOP_WORDS.has(word),
    );
    if (words.length === 0) return [];
    const query = [...new Set(words)].map((word) => `"${word}"`).join(' OR ');
    return select.all(query, question.partition, limit).map((row) => String((row as { id: unknown }).id));
  };
}
