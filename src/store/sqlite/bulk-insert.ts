import { type Connection, Query, type SqlValue } from './connection.ts';

/** Rows of one statement. Few sizes, so that few statements are kept. */
const SIZES = [64, 16, 4, 1] as const;

/** Inserts many rows of one table with few statements: a call of SQLite for each row takes longer than its work. */
export class BulkInsert<Row extends readonly SqlValue[]> {
  readonly #queries: readonly { readonly size: number; readonly query: Query<SqlValue[]> }[];

  /** @param columns as many as a row has values */
  constructor(table: string, columns: readonly string[]) {
    const row = `(${columns.map(() => '?').join(', ')})`;
    this.#queries = SIZES.map((size) => ({
      size,
      query: new Query(
        `INSERT INTO ${table} (${columns.join(', ')}) VALUES ${Array.from({ length: size }, () => row).join(', ')}`,
      ),
    }));
  }

  run(connection: Connection, rows: readonly Row[]): void {
    let from = 0;
    for (const { size, query } of this.#queries) {
      for (; rows.length - from >= size; from += size)
        query.run(connection, ...rows.slice(from, from + size).flat());
    }
  }
}
