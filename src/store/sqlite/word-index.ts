import type { MemoryContent } from '../../memory/version.ts';
import type { Connection } from './connection.ts';
import { indexedText } from './full-text.ts';
import { Query } from './query.ts';

const insertWords = new Query<[num: number, text: string, tags: string]>(
  'INSERT INTO word (rowid, text, tags) VALUES (?, ?, ?)',
);
const deleteWords = new Query<[num: number]>('DELETE FROM word WHERE rowid = ?');

type Words = Pick<MemoryContent, 'text' | 'tags'>;

export function addWords(connection: Connection, num: number, words: Words): void {
  insertWords.run(connection, num, indexedText(words.text), indexedText(words.tags.join(' ')));
}

export function removeWords(connection: Connection, num: number): void {
  deleteWords.run(connection, num);
}

/** Rewrites the index so that no word of a removed text is left in it. */
export function forgetRemovedWords(connection: Connection): void {
  connection.exec(`INSERT INTO word (word) VALUES ('optimize')`);
}
