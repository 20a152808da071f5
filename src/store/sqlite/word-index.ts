import { indexedText } from '../../memory/words.ts';
import type { Connection } from './connection.ts';
import { Query } from './query.ts';
import { toContent, type ContentRow } from './stored-version.ts';

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
