import { pathToFileURL } from 'node:url';
import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import type { SharedNote } from '../shared-log.ts';
import { openDatabase } from './engine.ts';

/** Time that SQLite itself waits for a lock. `StoreFile` repeats the attempt until its own, longer limit. */
const BUSY_TIMEOUT_MS = 50;
/** Small, because each connection has one, and the system keeps the pages of the file too. */
const PAGE_CACHE_KIB = 8_192;
const MAX_STATEMENTS = 256;

/** The changes of a transaction that no change number shows. */
export interface Touched {
  /** Row numbers of memories: of erased ones with kept content, and of those with removed vectors. */
  readonly memories: Set<number>;
  /** Rows of the journal. */
  readonly notes: Map<string, Pick<SharedNote, 'kind' | 'place' | 'name'>>;
  /** True when replaced versions got other dots. */
  renamed: boolean;
}

/**
 * One open database with its prepared statements. It is synchronous and belongs to one thread. Its errors are those of
 * SQLite; `StoreFile` turns them into the product's.
 *
 * `synchronous=FULL`: a commit is on the disk when it returns. `secure_delete`: SQLite overwrites deleted data, so that
 * purged texts do not stay in free pages.
 */
export class Connection {
  readonly path: string;
  /** Of the present transaction; only stores that share their changes read it. */
  readonly touched: Touched = { memories: new Set(), notes: new Map(), renamed: false };
  readonly #database: DatabaseSyncInstance;
  readonly #statements = new Map<string, StatementSyncInstance>();

  /** @param options.immutable reads a file that nothing changes, without locks and without a write-ahead log */
  constructor(path: string, { immutable = false }: { readonly immutable?: boolean } = {}) {
    this.path = path;
    const location = immutable ? `${pathToFileURL(path).href}?immutable=1` : path;
    this.#database = openDatabase(location, {
      timeout: BUSY_TIMEOUT_MS,
      defensive: true,
      readOnly: immutable,
    });
    try {
      this.exec(
        `PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -${PAGE_CACHE_KIB}; PRAGMA journal_size_limit = 16777216; PRAGMA trusted_schema = OFF;`,
      );
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  statement(sql: string): StatementSyncInstance {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    if (this.#statements.size >= MAX_STATEMENTS) this.#statements.clear();
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  exec(sql: string): void {
    this.#database.exec(sql);
  }

  /** The value of a pragma that returns one integer. */
  integerPragma(name: IntegerPragma): number {
    const row = this.statement(`PRAGMA ${name}`).get() as Record<string, number> | undefined;
    return row?.[name] ?? 0;
  }

  /**
   * Moves the write-ahead log into the database file, as far as other connections allow.
   * @returns true when all of it was moved
   */
  emptyLog(): boolean {
    const row = this.statement('PRAGMA wal_checkpoint(TRUNCATE)').get() as { busy: number } | undefined;
    return row?.busy === 0;
  }

  /** Runs the work in a transaction, and rolls it back when the work throws. */
  transaction<Result>(kind: 'DEFERRED' | 'IMMEDIATE' | 'EXCLUSIVE', work: () => Result): Result {
    this.#begin(kind);
    try {
      const result = work();
      this.exec('COMMIT');
      return result;
    } catch (error) {
      this.rollBack();
      throw error;
    }
  }

  /** Runs the work in a write transaction that the caller ends: with `COMMIT`, or with `rollBack`. */
  beginWith<Result>(work: () => Result): Result {
    this.#begin('IMMEDIATE');
    try {
      return work();
    } catch (error) {
      this.rollBack();
      throw error;
    }
  }

  #begin(kind: 'DEFERRED' | 'IMMEDIATE' | 'EXCLUSIVE'): void {
    this.exec(`BEGIN ${kind}`);
    this.#forgetTouched();
  }

  rollBack(): void {
    // After some errors, for example a full disk, SQLite has already rolled back.
    if (this.#database.isTransaction) this.exec('ROLLBACK');
  }

  touchNote(kind: SharedNote['kind'], place: string, name: string): void {
    this.touched.notes.set(JSON.stringify([kind, place, name]), { kind, place, name });
  }

  /**
   * Undoes the writes of the present transaction and begins a new one. This is cheaper than a savepoint, which slows
   * each later statement down with the number of changed pages.
   */
  takeBack(): void {
    this.exec('ROLLBACK; BEGIN');
    this.#forgetTouched();
  }

  #forgetTouched(): void {
    this.touched.memories.clear();
    this.touched.notes.clear();
    this.touched.renamed = false;
  }

  /**
   * Closes the database. The files may stay open longer, because the package keeps prepared statements alive until they
   * are garbage-collected.
   */
  close(): void {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
  }
}

type IntegerPragma =
  'user_version' | 'application_id' | 'page_count' | 'page_size' | 'freelist_count' | 'schema_version';

export type SqlValue = string | number | null | Uint8Array;

/**
 * One SQL statement with the types of its parameters and rows. Each connection prepares it on first use and keeps the
 * prepared statement.
 */
export class Query<Parameters extends readonly SqlValue[], Row extends object = never> {
  readonly sql: string;

  constructor(sql: string) {
    this.sql = sql;
  }

  /** The first row; undefined when there is none. */
  get(connection: Connection, ...parameters: Parameters): Row | undefined {
    // The library types rows as `any`; the declaration of the query names their type.
    return connection.statement(this.sql).get(...parameters) as Row | undefined;
  }

  all(connection: Connection, ...parameters: Parameters): Row[] {
    return connection.statement(this.sql).all(...parameters) as Row[];
  }

  /** The rows as arrays of their columns, which take less time than objects with names: for statements with many rows. */
  arrays(connection: Connection, ...parameters: Parameters): Row[] {
    const statement = connection.statement(this.sql);
    statement.setReturnArrays(true);
    return statement.all(...parameters) as Row[];
  }

  run(connection: Connection, ...parameters: Parameters): { changes: number; rowId: number } {
    const { changes, lastInsertRowid } = connection.statement(this.sql).run(...parameters);
    return { changes, rowId: Number(lastInsertRowid) };
  }
}
