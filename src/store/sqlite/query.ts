import type { Connection } from './connection.ts';

export type SqlValue = string | number | null | Uint8Array;

/**
 * One SQL statement with the types of its parameters and rows. Queries are declared once, as constants;
 * each connection prepares them on first use and keeps them.
 */
export class Query<Parameters extends readonly SqlValue[], Row extends object = never> {
  readonly sql: string;

  constructor(sql: string) {
    this.sql = sql;
  }

  /** The first row. */
  get(connection: Connection, ...parameters: Parameters): Row | undefined {
    // The library types rows as `any`; the declaration of the query is the one place that names their shape.
    return connection.statement(this.sql).get(...parameters) as Row | undefined;
  }

  all(connection: Connection, ...parameters: Parameters): Row[] {
    return connection.statement(this.sql).all(...parameters) as Row[];
  }

  run(connection: Connection, ...parameters: Parameters): { changes: number; rowId: number } {
    const { changes, lastInsertRowid } = connection.statement(this.sql).run(...parameters);
    return { changes, rowId: Number(lastInsertRowid) };
  }
}
