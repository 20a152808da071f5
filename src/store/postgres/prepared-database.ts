import type { QueryResultRow } from 'pg';
import { FaissMemoryError } from '../../errors/faiss-memory-error.ts';
import { StoreUnavailableError } from '../../errors/store-errors.ts';
import type { LogConnections } from '../shared-log.ts';
import { Database, OutcomeUnknown, type PoolSizes, type StatementOptions } from './database.ts';
import { parseDatabaseUrl } from './database-url.ts';
import { checkVersion, type FoundTables, migrate, readFound } from './migrations.ts';

/** Where the tables are. */
export interface DatabasePlace {
  /** Address with credentials. */
  readonly url: string;
  /** A checked name. */
  readonly schema: string;
}

export interface PreparedDatabaseOptions {
  readonly sizes?: PoolSizes | undefined;
  /** True makes and changes no tables. Default false. */
  readonly asIs?: boolean | undefined;
}

/** Time for one usual statement. */
export const QUICK: StatementOptions = { withinMs: 5_000 };

/** A database whose tables are made, or checked, before the first statement: for one thread and any number of spaces. */
export class PreparedDatabase {
  readonly schema: string;
  readonly #database: Database;
  readonly #asIs: boolean;
  #ready: Promise<void> | null = null;
  #isSilent = false;

  constructor({ url, schema }: DatabasePlace, { sizes, asIs = false }: PreparedDatabaseOptions = {}) {
    this.#database = new Database(parseDatabaseUrl(url), sizes);
    this.schema = schema;
    this.#asIs = asIs;
  }

  /** To show to people, without credentials. */
  get location(): string {
    return this.#database.location;
  }

  get connections(): LogConnections {
    return this.#database.connections;
  }

  /** See `SharedLog`. */
  get isSilent(): boolean {
    return this.#isSilent;
  }

  noteSilence(): void {
    this.#isSilent = true;
  }

  /** Runs a statement that may run twice: it reads, or its second run changes nothing more. */
  async run(
    sql: string,
    parameters: readonly unknown[],
    options: StatementOptions = QUICK,
  ): Promise<QueryResultRow[]> {
    await this.prepared();
    const run = async (): Promise<QueryResultRow[]> => {
      const rows = await this.#database.run(sql, parameters, options);
      this.#isSilent = false;
      return rows;
    };
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof OutcomeUnknown)) throw error;
      // A connection that was idle may have been cut off long ago: one more try.
      return await run().catch((again: unknown) => {
        throw again instanceof OutcomeUnknown ? this.unreachable(again) : again;
      });
    }
  }

  /** Runs a statement once. @throws OutcomeUnknown */
  async change(
    sql: string,
    parameters: readonly unknown[],
    options: StatementOptions = QUICK,
  ): Promise<QueryResultRow[]> {
    await this.prepared();
    return this.#database.change(sql, parameters, options);
  }

  /** @throws OutcomeUnknown when the commit has no answer */
  async transaction<Result>(
    ...[work, options]: Parameters<typeof Database.prototype.transaction<Result>>
  ): Promise<Result> {
    await this.prepared();
    return this.#database.transaction(work, options);
  }

  /** Makes or checks the tables; the first call does it for all. */
  prepared(): Promise<void> {
    this.#ready ??= this.#prepare().catch((error: unknown) => {
      this.#ready = null;
      throw error instanceof OutcomeUnknown ? this.unreachable(error) : error;
    });
    return this.#ready;
  }

  unreachable(error: Error): StoreUnavailableError {
    return new StoreUnavailableError(`The database ${this.location} does not answer: ${error.message}`, {
      fix: 'Try again in a moment. If it stays so, check that PostgreSQL runs and is not overloaded.',
      retryable: true,
      cause: error,
    });
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  async #prepare(): Promise<void> {
    if (!this.#asIs) return migrate(this.#database, this.schema);
    const { version } = await this.#found();
    checkVersion(version, this);
    if (version > 0) return;
    throw new FaissMemoryError(
      'CONFIGURATION',
      `There are no tables of ${this.schema} in the database ${this.location}`,
      { fix: 'Start a server of the newest version once: it makes them.' },
    );
  }

  /** Whether there is such a table. Makes and changes nothing. */
  async hasTable(name: string): Promise<boolean> {
    const sql = 'SELECT to_regclass($1) IS NOT NULL AS there';
    const [row] = await this.#database.run(sql, [`${this.schema}.${name}`], QUICK);
    return row?.['there'] === true;
  }

  /** Steps that made the tables as they are; 0 = there are none. Makes and changes nothing. */
  async version(): Promise<number> {
    const { version, additions } = await this.#found();
    return version + additions;
  }

  async #found(): Promise<FoundTables> {
    try {
      return await readFound(this.#database, this.schema);
    } catch (error) {
      throw error instanceof OutcomeUnknown ? this.unreachable(error) : error;
    }
  }
}
