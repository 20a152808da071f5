import type { MemoryContent } from '../../memory/version.ts';
import { indexedText, type QueryTerm } from '../../memory/words.ts';
import { Connection, Query } from './connection.ts';
import { type ContentRow, toContent } from './rows.ts';
import { merge } from './word-segments.ts';

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

/** So many at once are likely followed by more, and go on with the merges that they have made necessary: a page for each. */
const MANY_CHANGES = 500;

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
      if (live !== undefined) indexWords(connection, num, toContent(live));
    }
    if (changes.length >= MANY_CHANGES) merge(connection, changes.length);
  }
}

/** Adds the words of a memory that the index does not have. */
export function indexWords(connection: Connection, num: number, content: IndexedContent): void {
  insertWords.run(connection, num, ...indexedColumns(content));
}

function indexedColumns({ text, tags }: IndexedContent): [text: string, tags: string] {
  return [indexedText(text.slice(0, INDEXED_CHARACTERS)), indexedText(tags.join(' '))];
}

const TOKENIZER = `porter unicode61 remove_diacritics 2 categories 'L* N* Co M*'`;

/**
 * The full-text index without tombstones: with the option `secure-delete`, FTS5 takes the words of a removed memory
 * out of its pages in the same transaction, however large the index is.
 */
const WORD_TABLE = `
DROP TABLE IF EXISTS word;
CREATE VIRTUAL TABLE word USING fts5 (
  text, tags, content = '',
  tokenize = "${TOKENIZER}"
);
INSERT INTO word (word, rank) VALUES ('secure-delete', 1);
`;

/**
 * Schema version 10: options that keep removals cheap, and the present index merged into pages of the new size. To
 * remove a memory, FTS5 looks for each of its words in each segment of the index, and reads the entries of that word
 * up to the memory; only where they fill four pages it knows which page begins with which memory.
 *
 * pgsz: bytes of a page; four of them fit into a page of the file.
 * crisismerge: the write that adds the fourth segment of a level merges them.
 * automerge: from two segments on, a part of the merge is done by each few dozen writes, so that no write does all of
 *   a large one.
 */
const WORD_OPTIONS = `
INSERT INTO word (word, rank) VALUES ('pgsz', 1000), ('crisismerge', 4), ('automerge', 2);
INSERT INTO word (word) VALUES ('optimize');
`;

export function keepFewSegments(connection: Connection): void {
  connection.exec(WORD_OPTIONS);
}

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

/** Shows each occurrence of a token in the index. Made with each connection, outside of transactions that may fail. */
export function showOccurrences(connection: Connection): void {
  connection.exec('CREATE VIRTUAL TABLE temp.occurrence USING fts5vocab(main, word, instance)');
}

/** One term as an FTS5 query. It is quoted and contains only letters, digits and spaces, so it cannot be query syntax. */
export function termQuery({ words, prefix }: QueryTerm): string {
  return `"${words.join(' ')}"${prefix ? ' *' : ''}`;
}

const insertSpelled = new Query<[text: string]>('INSERT INTO spelled (rowid, text) VALUES (1, ?)');
const selectTokens = new Query<[], { term: string }>('SELECT term FROM token ORDER BY offset');
const deleteSpelled = new Query<[]>(`INSERT INTO spelled (spelled) VALUES ('delete-all')`);
const MAX_KNOWN_WORDS = 10_000;

/** Tells under which tokens the index has a word. Only FTS5 knows, so it indexes the word in memory. */
export class WordTokenizer {
  readonly #known = new Map<string, readonly string[]>();
  #connection: Connection | undefined;

  tokensOf(word: string): readonly string[] {
    const known = this.#known.get(word);
    if (known !== undefined) return known;
    const connection = (this.#connection ??= this.#open());
    insertSpelled.run(connection, word);
    const tokens = selectTokens.all(connection).map(({ term }) => term);
    deleteSpelled.run(connection);
    if (this.#known.size >= MAX_KNOWN_WORDS) this.#known.clear();
    this.#known.set(word, tokens);
    return tokens;
  }

  #open(): Connection {
    const connection = new Connection(':memory:');
    connection.exec(
      `CREATE VIRTUAL TABLE spelled USING fts5 (text, content = '', tokenize = "${TOKENIZER}");
       CREATE VIRTUAL TABLE token USING fts5vocab (spelled, instance);`,
    );
    return connection;
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }
}
